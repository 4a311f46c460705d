"""Networks with their titles; an overlap is found without comparing every pair."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True)
class TitledNetwork:
    """A network, and what it is: "the pods of cluster1"."""

    network: IPv4Network
    title: str


class NetworkIndex:
    """A set of networks: two of them overlap only if one contains the other."""

    def __init__(self) -> None:
        # By leading bits and their number.
        self._networks: dict[tuple[int, int], TitledNetwork] = {}
        self._contained: dict[tuple[int, int], TitledNetwork] = {}

    def add(self, titled: TitledNetwork) -> None:
        """Add a network; of several equal ones, the first is kept."""
        own, *containing = _prefixes(titled.network)
        self._networks.setdefault(own, titled)
        for key in containing:
            self._contained.setdefault(key, titled)

    def find(self, network: IPv4Network) -> TitledNetwork | None:
        """Return one that overlaps this network, if there is any."""
        keys = list(_prefixes(network))
        containing = (self._networks[key] for key in keys if key in self._networks)
        return next(containing, None) or self._contained.get(keys[0])


def _prefixes(network: IPv4Network) -> Iterator[tuple[int, int]]:
    """Yield the network's leading bits and their number, then those of all that contain it."""
    address = int(network.network_address)
    for length in range(network.prefixlen, -1, -1):
        yield address >> (32 - length), length
