"""Rules for subnets and addresses: size, overlap and duplicates."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from model.config.errors import Path, dotted
from model.config.machines import Host
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedMachine
from model.config.ssh import ANY_HOST_KEY, EXAMPLE_HOST_KEY
from model.rules.issue import Issue, issue

# The API server supports at most 2^20 Service addresses; less than a /24 is soon exhausted.
SERVICE_PREFIXES = range(12, 25)
# Two each: no subnet of a reasonable size overlaps both.
EXAMPLES = {
    "podSubnet": ("10.244.0.0/16", "172.28.0.0/16"),
    "serviceSubnet": ("10.96.0.0/12", "172.24.0.0/16"),
    "subnet": ("10.89.1.0/24", "172.30.1.0/24"),
    "address": ("10.0.1.11", "172.31.1.11"),
    "nodeAddress": ("10.0.1.11", "172.31.1.11"),
    "vip": ("10.0.1.100:8443", "172.31.1.100:8443"),
}
FREE_EXAMPLES = {
    "endpoint": "{external: api.osaka.example.com:6443}",
    "external": "api.osaka.example.com:6443",
    "vip": "10.0.1.100:8443",
    "hostKey": EXAMPLE_HOST_KEY,
}


@dataclass(frozen=True)
class NamedSubnet:
    """A network of a cluster: its config path, its title, and the values that it depends on."""

    path: Path
    title: str
    network: IPv4Network
    sources: tuple[Path, ...] = ()


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's networks."""
    pods, services = _inner(cluster)
    if services.network.prefixlen not in SERVICE_PREFIXES:
        small = services.network.prefixlen > SERVICE_PREFIXES[-1]
        problem = "too small" if small else "larger than the API server supports"
        yield _unsuitable(services, problem, "a /12 to a /24")
    mine = [pods, services, *_bridge(cluster)]
    for one, other in combinations(mine, 2):
        if one.network.overlaps(other.network):
            yield _overlap(other, one)
    for machine in cluster.machines:
        # An overlap with a bridge is reported once above, not for each of its machines.
        if machine.address is not None and cluster.driver != "container":
            yield from _inside(machine.path, machine.address, cluster, (pods, services))
    if cluster.vip and cluster.driver == "existing":
        yield from _inside(
            cluster.endpoint_path("vip"), cluster.vip.address, cluster, (pods, services)
        )


def _inside(
    path: Path, address: IPv4Address, cluster: ResolvedCluster, networks: Iterable[NamedSubnet]
) -> Iterator[Issue]:
    for inner in networks:
        if address in inner.network:
            yield _overlap(NamedSubnet(path, "", IPv4Network(address), cluster.driver_paths), inner)


def check_fleet(clusters: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield the conflicts between clusters."""
    clusters = list(clusters)
    yield from _duplicates(clusters)
    yield from _shared_bridges(clusters)


def _inner(cluster: ResolvedCluster) -> tuple[NamedSubnet, NamedSubnet]:
    networking, path = cluster.settings.networking, (*cluster.path, "networking")
    return (
        NamedSubnet((*path, "podSubnet"), f"the pods of {cluster.name}", networking.pod_subnet),
        NamedSubnet(
            (*path, "serviceSubnet"), f"Services of {cluster.name}", networking.service_subnet
        ),
    )


def _bridge(cluster: ResolvedCluster) -> Iterator[NamedSubnet]:
    subnet = cluster.settings.machines.subnet
    if cluster.driver == "container" and subnet is not None:
        path = cluster.path_of("machines", "subnet")
        yield NamedSubnet(path, f"the machines of {cluster.name}", subnet, cluster.subnet_paths)


def _duplicates(clusters: list[ResolvedCluster]) -> Iterator[Issue]:
    """Yield duplicate node addresses, SSH addresses, host keys and endpoints.

    Container machines and endpoints derived from them come last and are only compared with explicit
    addresses: overlapping bridges are reported once, not for each machine.
    """
    nodes, logins, keys, endpoints = (
        AddressRegistry("node address"),
        AddressRegistry("SSH address"),
        AddressRegistry("host key"),
        AddressRegistry("endpoint"),
    )
    existing = [cluster for cluster in clusters if cluster.driver == "existing"]
    containers = [cluster for cluster in clusters if cluster.driver != "existing"]
    for cluster in (*existing, *containers):
        above = cluster.driver_paths if cluster in existing else cluster.subnet_paths
        for machine in cluster.machines:
            keep, sources = cluster in existing, (machine.path, *above)
            if machine.address is not None:
                yield from nodes.claim(machine.address, machine.name, sources, keep=keep)
            if machine.host is not None:
                yield from _logins(cluster, machine, machine.host, logins, keys)
    for cluster in sorted(clusters, key=lambda one: one.given_endpoint is None):
        if endpoint := cluster.endpoint:
            keep = cluster.given_endpoint is not None
            below = [_endpoint_key(cluster)] if keep else []
            sources = (cluster.endpoint_path(*below), *cluster.driver_paths)
            derived = () if keep else cluster.subnet_paths
            holder = f"cluster {cluster.name}"
            duplicates = list(endpoints.claim(endpoint, holder, (*sources, *derived), keep=keep))
            yield from duplicates
            if cluster.vip and not duplicates:
                holder = f"the virtual address of {cluster.name}"
                yield from nodes.claim(cluster.vip.address, holder, sources, keep=True)


def _logins(
    cluster: ResolvedCluster,
    machine: ResolvedMachine,
    host: Host,
    logins: "AddressRegistry",
    keys: "AddressRegistry",
) -> Iterator[Issue]:
    """Yield an existing host's SSH address, beside its node address, and its key, if in use."""
    above = (*cluster.driver_paths, *cluster.paths_of("machines", "ssh", "port"))
    if host.node_address is not None:
        path: Path = (*machine.host_path, "address")
        login = f"{host.address}:{host.port}"
        yield from logins.claim(login, machine.name, (path, *above), keep=True)
    if host.host_key != ANY_HOST_KEY:
        path = (*machine.host_path, "hostKey")
        yield from keys.claim(host.host_key, machine.name, (path, *above), keep=True)


def _endpoint_key(cluster: ResolvedCluster) -> str:
    written = cluster.settings.endpoint
    return "external" if written and written.external else "vip"


class AddressRegistry:
    """The addresses in use, each with its holder and the config values that it depends on."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._holders: dict[object, tuple[str, tuple[Path, ...]]] = {}

    def claim(
        self, address: object, claimant: str, sources: tuple[Path, ...], *, keep: bool
    ) -> Iterator[Issue]:
        """Yield an issue if the address is in use; else record it for the claimant if `keep`."""
        if address in self._holders:
            holder, theirs = self._holders[address]
            yield issue(
                sources[0],
                address,
                f"{claimant} has the same {self._noun} as {holder} ({dotted(theirs[0])})",
                allowed="a value that is unique in the fleet",
                example=f"{sources[0][-1]}: {FREE_EXAMPLES.get(str(sources[0][-1]), '10.0.1.12')}",
                sources=(*sources[1:], *theirs),
            )
        elif keep:
            self._holders[address] = (claimant, sources)


def _shared_bridges(clusters: list[ResolvedCluster]) -> Iterator[Issue]:
    """Yield bridges that overlap each other or another cluster's pod and Service subnets."""
    bridges = sorted(
        ((cluster.name, bridge) for cluster in clusters for bridge in _bridge(cluster)),
        key=lambda pair: pair[1].network,
    )
    starts = [bridge.network.network_address for _, bridge in bridges]
    for position, (_, one) in enumerate(bridges):
        for _, other in bridges[position + 1 :]:
            if other.network.network_address > one.network.broadcast_address:
                break
            yield _overlap(other, one)
    inner: dict[IPv4Network, list[tuple[str, NamedSubnet]]] = {}
    for cluster in clusters:
        for network in _inner(cluster):
            inner.setdefault(network.network, []).append((cluster.name, network))
    for subnet, holders in inner.items():
        # The last bridge that begins before the network may reach into it.
        first = max(bisect_left(starts, subnet.network_address) - 1, 0)
        for name, bridge in bridges[first:]:
            if bridge.network.network_address > subnet.broadcast_address:
                break
            theirs = next((bridge for holder, bridge in holders if holder != name), None)
            if theirs and bridge.network.overlaps(subnet):
                yield _overlap(bridge, theirs)


def _unsuitable(
    network: NamedSubnet, problem: str, allowed: str, sources: Iterable[Path] = ()
) -> Issue:
    return issue(
        network.path,
        network.network,
        problem,
        allowed=allowed,
        example=_example(network),
        sources=sources,
    )


def _overlap(network: NamedSubnet, other: NamedSubnet) -> Issue:
    is_host = network.network.prefixlen == 32
    return issue(
        network.path,
        network.network.network_address if is_host else network.network,
        f"{'is inside' if is_host else 'overlaps'} {other.network} ({other.title})",
        allowed=f"an address outside {other.network}"
        if is_host
        else f"a network that does not overlap {other.network}",
        example=_example(network, other.network),
        sources=(*network.sources, other.path, *other.sources),
    )


def _example(network: NamedSubnet, other: IPv4Network | None = None) -> str:
    """Return an example for the path of `network` that does not overlap `other`."""
    key = str(network.path[-1])
    known = EXAMPLES[key]
    free = (
        example
        for example in known
        if not other or not IPv4Network(example.partition(":")[0]).overlaps(other)
    )
    return f"{key}: {next(free, known[0])}"
