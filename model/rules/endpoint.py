"""Rules for a cluster's endpoint: one address for all control planes, not used by anything else."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from model.config.address_blocks import FOR_CONTROL_PLANES, GATEWAY, Block
from model.config.errors import Path
from model.config.resolved_cluster import ResolvedCluster
from model.fleet import Vip
from model.rules.issue import Issue, issue
from model.well_known import CONTROL_PLANE_PORTS, WORKER_PORTS

# Ports that are in use on every address of a control plane; haproxy listens on every address, too.
TAKEN_PORTS = {22: "SSH", **WORKER_PORTS, **CONTROL_PLANE_PORTS}
EXAMPLE = "endpoint: {vip: 10.89.1.100:8443}"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's endpoint."""
    written = cluster.settings.endpoint
    both = (cluster.endpoint_path("external"), cluster.endpoint_path("vip"))
    if written is None:
        yield from _missing(cluster)
    elif (written.external is None) == (written.vip is None):
        yield issue(
            cluster.endpoint_path(),
            written.model_dump(exclude_none=True),
            "both external and vip are set" if written.vip else "neither external nor vip is set",
            allowed="exactly one of external, vip",
            example=EXAMPLE,
            sources=both,
        )
    if vip := cluster.vip:
        yield from _port(cluster, vip)
        if cluster.driver == "container":
            yield from _address_on_bridge(cluster, vip)


def _missing(cluster: ResolvedCluster) -> Iterator[Issue]:
    pool = cluster.control_planes
    size = pool.size
    if size > 1:
        yield issue(
            cluster.endpoint_path(),
            None,
            f"missing: {size} control planes need a shared endpoint",
            allowed="external: the host:port of a load balancer; "
            "or vip: a virtual IP address:port on the control planes",
            example=EXAMPLE,
            sources=cluster.size_paths(pool),
        )


def _port(cluster: ResolvedCluster, vip: Vip) -> Iterator[Issue]:
    if taken := TAKEN_PORTS.get(vip.port):
        yield issue(
            cluster.endpoint_path("vip"),
            f"{vip.address}:{vip.port}",
            f"port {vip.port} ({taken}) is in use on every control plane",
            allowed="a port that is unused on control planes",
            example=f"vip: {vip.address}:8443",
        )


def _address_on_bridge(cluster: ResolvedCluster, vip: Vip) -> Iterator[Issue]:
    subnet = cluster.settings.machines.subnet
    if subnet is None:
        return
    sources: tuple[Path, ...] = cluster.subnet_paths
    problem = f"is not in the machines' subnet {subnet}"
    if vip.address in subnet:
        ends = {
            subnet.network_address: "the network's own address",
            subnet.broadcast_address: "the network's broadcast address",
            subnet.network_address + GATEWAY: "the network's gateway",
        }
        taken = {**_machines(cluster), **ends}.get(vip.address)
        offset = int(vip.address) - int(subnet.network_address)
        if taken is None and Block(offset, 1).overlaps(FOR_CONTROL_PLANES):
            taken = "reserved for a future control plane"
        if taken is None:
            return
        problem = f"is {taken}"
        sources = (*sources, *(pool.size_path for pool in cluster.pools))
    yield issue(
        cluster.endpoint_path("vip"),
        f"{vip.address}:{vip.port}",
        problem,
        allowed=f"an unused address in {subnet}",
        example=f"vip: {subnet.broadcast_address - 1}:8443",
        sources=sources,
    )


def _machines(cluster: ResolvedCluster) -> dict[IPv4Address, str]:
    return {
        machine.address: f"the address of {machine.name}"
        for machine in cluster.machines
        if machine.address is not None
    }
