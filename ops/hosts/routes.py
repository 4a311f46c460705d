"""The networks that a host reaches through its own interfaces and routes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

# proc(5)
ROUTES = Path("/proc/net/route")


@dataclass(frozen=True)
class Route:
    """A route of a host; `is_direct` if its interface is in the network itself."""

    interface: str
    network: IPv4Network
    is_direct: bool

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Parse INTERFACE,DESTINATION,GATEWAY,MASK as in /proc/net/route; raise ValueError."""
        interface, destination, gateway, mask = text.split(",")
        network = IPv4Network((_address(destination), str(_address(mask))))
        return cls(interface, network, _address(gateway) == IPv4Address(0))

    def conflicts(self, network: IPv4Network) -> bool:
        """Return whether `network`, used by pods or Services, hides what this route leads to.

        A route through a gateway to more than the network is an aggregate, such as that of a site's
        10.0.0.0/8, or the default route.
        """
        return self.network.subnet_of(network) or (
            self.is_direct and network.subnet_of(self.network) and self.network.prefixlen > 0
        )


def own_routes() -> list[Route]:
    """Return the routes of the host that runs this program."""
    lines = [line.split() for line in ROUTES.read_text().splitlines()[1:]]
    return [Route.parse(f"{line[0]},{line[1]},{line[2]},{line[7]}") for line in lines]


def unreachable_warnings(cluster: str, networks: Mapping[str, IPv4Network]) -> Iterator[str]:
    """Yield what pods of container machines would not reach through this host.

    The machines are on this host, and it keeps its own routes: no more than that is lost.
    """
    for route in own_routes():
        for key, network in networks.items():
            if route.conflicts(network):
                yield (
                    f"cluster {cluster}: this host reaches {route.network} through "
                    f"{route.interface}, and the cluster's pods will not, where it overlaps "
                    f"networking.{key} {network}. If they need it, set networking.{key} to another "
                    "network before the cluster is created; `networks: {shared: true}` accepts it"
                )


def _address(text: str) -> IPv4Address:
    """Return an address given in hexadecimal, in the byte order of the supported architectures."""
    return IPv4Address(bytes.fromhex(text)[::-1])
