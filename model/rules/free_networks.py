"""Free private networks, to name one where another overlaps."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from model.rules.network_index import NetworkIndex, TitledNetwork

# Not 192.168.0.0/16, where many machines are.
POOLS = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"))
# The default of container engines on other hosts: https://docs.docker.com/engine/network/
RESERVED = TitledNetwork(IPv4Network("172.17.0.0/16"), "Docker's bridge")


class FreeNetworks:
    """The private networks that overlap none in `used`; each is proposed once."""

    def __init__(self, used: NetworkIndex) -> None:
        self._used = used
        used.add(RESERVED)

    def take(self, former: IPv4Network, prefixes: range) -> IPv4Network | None:
        """Return the next free network after `former`, of the first prefix length that fits."""
        for prefix in prefixes:
            for first, last in _ranges(former):
                if network := self._first_free(first, last, prefix):
                    self._used.add(TitledNetwork(network, "proposed"))
                    return network
        return None

    def _first_free(self, first: int, last: int, prefix: int) -> IPv4Network | None:
        size = 2 ** (32 - prefix)
        address = -(-first // size) * size
        while address + size - 1 <= last:
            network = IPv4Network((IPv4Address(address), prefix))
            other = self._used.find(network)
            if other is None:
                return network
            address += max(
                size, other.network.num_addresses - address % other.network.num_addresses
            )
        return None


def _ranges(former: IPv4Network) -> Iterator[tuple[int, int]]:
    """Yield the pools' first and last addresses: what follows `former`, then all the rest."""
    end = int(former.broadcast_address)
    bounds = [(int(pool.network_address), int(pool.broadcast_address)) for pool in POOLS]
    yield from ((max(first, end + 1), last) for first, last in bounds)
    yield from ((first, min(last, end)) for first, last in bounds)
