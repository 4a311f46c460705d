"""The addresses of container machines: a block of their subnet for each pool.

A block begins where the pool's name says, so a pool's addresses depend on no other pool and on
no order. Two names may say the same: the rules refuse blocks that overlap, and a pool can be given
its first address.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from model.config.pools import DEFAULT_POOL

GATEWAY = 1
FIRST_CONTROL_PLANE = 11
# As many as a cluster can have.
CONTROL_PLANES = 7
# Workers without pools, and a pool of the same name.
FIRST_WORKER = 101
# Blocks of pools begin at multiples of this, or of a 64th of a larger subnet, above the control
# planes.
SLOT = 16
LARGEST_SLOT_SHARE = 64


@dataclass(frozen=True)
class Block:
    """Consecutive addresses by their offsets in the subnet; empty if `size` is 0."""

    first: int
    size: int

    @property
    def end(self) -> int:
        """The offset behind the last address."""
        return self.first + self.size

    def overlaps(self, other: "Block") -> bool:
        """Whether both contain an address."""
        return bool(self.size and other.size) and (
            self.first < other.end and other.first < self.end
        )

    def fits(self, subnet: IPv4Network) -> bool:
        """Whether all addresses are usable by machines of the subnet."""
        return self.first > GATEWAY and self.end < subnet.num_addresses

    def address(self, subnet: IPv4Network, index: int) -> IPv4Address | None:
        """Return an address; None outside of what machines of the subnet can use."""
        offset = self.first + index
        usable = GATEWAY < offset < subnet.num_addresses - 1
        return subnet.network_address + offset if usable else None


# Kept for control planes: a cluster that gets more of them must not have to move other machines.
FOR_CONTROL_PLANES = Block(FIRST_CONTROL_PLANE, CONTROL_PLANES)


def first_offset(pool: str, subnet: IPv4Network) -> int:
    """Return the offset of the first address of a pool without `firstAddress`."""
    if pool == DEFAULT_POOL:
        return FIRST_WORKER
    starts = _starts(subnet)
    digest = hashlib.sha256(pool.encode()).digest()
    # A subnet without a slot is too small for any pool, whose block then begins behind its end.
    return int(starts[int.from_bytes(digest[:8]) % len(starts)]) if starts else 2 * SLOT


def free_offset(subnet: IPv4Network, size: int, taken: Iterable[Block]) -> int | None:
    """Return the first offset at which a block of this size overlaps none of those taken."""
    blocks = [block for block in taken if block.size]
    for first in (*_starts(subnet), *sorted(block.end for block in blocks)):
        block = Block(first, size)
        if block.fits(subnet) and not any(block.overlaps(other) for other in blocks):
            return int(first)
    return None


def _starts(subnet: IPv4Network) -> range:
    slot = max(SLOT, subnet.num_addresses // LARGEST_SLOT_SHARE)
    return range(max(slot, 2 * SLOT), subnet.num_addresses - 1, slot)
