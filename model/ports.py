"""The ports that must be open, from whom to whom, and what of it is tried between machines.

docs/ports.md shows this table (scripts/port_reference.py).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

from model.machine import CONTROL_PLANE
from model.well_known import API_PORT, NODE_PORTS

CONTROL_PLANES = "control planes"
NODES = "all Nodes"
OPERATOR = "operator"
TCP, UDP, IP = "TCP", "UDP", "IP"
# What Linux takes by default, as flannel does; and what IANA assigned, as Calico does.
VXLAN_PORTS = {"flannel": 8472, "calico": 4789}
VRRP = 112
# A worker tries so many workers on either side of it: what blocks one of them blocks its like.
NEIGHBORS = 3


@dataclass(frozen=True)
class PortRule:
    """Who must reach whom; `port` is a text where it is not one number that is known.

    Of an IP packet the port is the number of its protocol.
    """

    sources: str
    targets: str
    protocol: str
    port: int | str
    purpose: str

    @property
    def number(self) -> int:
        """The port of a rule that is tried."""
        assert isinstance(self.port, int), self.port
        return self.port

    @property
    def is_tried(self) -> bool:
        """Whether it can be tried between machines before they are a cluster."""
        return {self.sources, self.targets} <= {CONTROL_PLANES, NODES}

    @property
    def label(self) -> str:
        """The protocol and the port, for people."""
        return f"IP protocol {self.port}" if self.protocol == IP else f"{self.protocol} {self.port}"


@dataclass(frozen=True)
class Trial:
    """One machine that is to reach another, by name."""

    source: str
    target: str
    rule: PortRule


def port_rules(vip_port: int | str | None, *networks: str) -> tuple[PortRule, ...]:
    """Return the rules of a cluster with this pod network; of several, for a table of each.

    `vip_port` is None if it has no virtual IP address.
    """
    return (
        PortRule(OPERATOR, NODES, TCP, "22, or `machines.ssh.port`", "SSH"),
        PortRule(
            f"{OPERATOR}, load balancer of `endpoint.external`",
            CONTROL_PLANES,
            TCP,
            API_PORT,
            "API, unless at a virtual IP address",
        ),
        PortRule(NODES, CONTROL_PLANES, TCP, API_PORT, "API server"),
        *(_virtual_address(vip_port) if vip_port is not None else ()),
        PortRule(CONTROL_PLANES, CONTROL_PLANES, TCP, 2379, "etcd clients"),
        PortRule(CONTROL_PLANES, CONTROL_PLANES, TCP, 2380, "etcd peers"),
        PortRule(CONTROL_PLANES, NODES, TCP, 10250, "kubelet: logs, exec, metrics"),
        *(_vxlan(network, is_one_of_several=len(networks) > 1) for network in networks),
        PortRule(
            "pods (`networking.podSubnet`)",
            NODES,
            TCP,
            f"{API_PORT}, 10250",
            "API, by CoreDNS and others, also from a Node's own pods; metrics",
        ),
        PortRule(
            "clients of Services",
            NODES,
            "TCP, UDP",
            f"{NODE_PORTS.start}-{NODE_PORTS[-1]}, or `service-node-port-range`",
            "Services of type NodePort or LoadBalancer, if there are any",
        ),
        PortRule(NODES, "DNS and NTP servers", UDP, "53, 123", "names and time"),
        PortRule(
            NODES,
            "registries, mirrors, proxy, package source",
            TCP,
            "443, or that of their URLs",
            "images and packages that are not sent to the machines",
        ),
    )


def _vxlan(network: str, *, is_one_of_several: bool) -> PortRule:
    purpose = "VXLAN of the pod network"
    if is_one_of_several:
        purpose += f", with `network: {network}`"
    return PortRule(NODES, NODES, UDP, VXLAN_PORTS[network], purpose)


def _virtual_address(port: int | str) -> tuple[PortRule, ...]:
    purpose = "API at the virtual IP address"
    return (
        PortRule(NODES, CONTROL_PLANES, TCP, port, purpose),
        PortRule(OPERATOR, CONTROL_PLANES, TCP, port, purpose),
        PortRule(
            CONTROL_PLANES, CONTROL_PLANES, IP, VRRP, "VRRP: who holds the virtual IP address"
        ),
    )


def trials(
    rules: Collection[PortRule], roles: Mapping[str, str], new: Collection[str]
) -> list[Trial]:
    """Return what to try between machines, of whom at least one is new; roles by machine.

    IP packets without ports are tried in one direction of a pair: a firewall would take those of
    the other direction for answers, which it lets in.
    """
    peers = [name for name, role in roles.items() if role == CONTROL_PLANE]
    return [
        Trial(source, target, rule)
        for source, target in _pairs(roles, new)
        for rule in rules
        if rule.is_tried
        and _is_in(rule.sources, roles[source])
        and _is_in(rule.targets, roles[target])
        and (rule.protocol != IP or _is_next(peers, source, target))
    ]


def _pairs(roles: Mapping[str, str], new: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield all pairs with a control plane, and those of workers that are neighbors in a ring."""
    workers = [name for name, role in roles.items() if role != CONTROL_PLANE]
    places = {name: place for place, name in enumerate(workers)}
    for source, target in permutations(roles, 2):
        if source not in new and target not in new:
            continue
        if source in places and target in places:
            distance = (places[source] - places[target]) % len(workers)
            if min(distance, len(workers) - distance) > NEIGHBORS:
                continue
        yield source, target


def _is_next(peers: Sequence[str], source: str, target: str) -> bool:
    """Whether the target follows the source in a ring more closely than the other way around."""
    at, to = peers.index(source), peers.index(target)
    ahead = (to - at) % len(peers)
    return 2 * ahead < len(peers) or (2 * ahead == len(peers) and at < to)


def _is_in(group: str, role: str) -> bool:
    return group == NODES or role == CONTROL_PLANE
