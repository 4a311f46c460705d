"""Rules for a cluster's endpoint: one address for all control planes, not used by anything else."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from model.config.errors import Path
from model.config.resolve import GATEWAY, ROLES, ResolvedCluster
from model.fleet import CONTROL_PLANE, Vip
from model.rules.issue import Issue, issue
from model.well_known import CONTROL_PLANE_PORTS, NODE_PORTS, WORKER_PORTS

# Ports that are in use on every address of a control plane; haproxy listens on every address, too.
TAKEN_PORTS = {22: "SSH", **WORKER_PORTS, **CONTROL_PLANE_PORTS}
EXAMPLE = "endpoint: {vip: 10.89.1.100:8443}"


def check_cluster(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's endpoint."""
    written = layout.cluster.endpoint
    both = (layout.endpoint_path("external"), layout.endpoint_path("vip"))
    if written is None:
        yield from _missing(layout)
    elif (written.external is None) == (written.vip is None):
        yield issue(
            layout.endpoint_path(),
            written.model_dump(exclude_none=True),
            "both external and vip are set" if written.vip else "neither external nor vip is set",
            allowed="exactly one of external, vip",
            example=EXAMPLE,
            sources=both,
        )
    if vip := layout.vip:
        yield from _port(layout, vip)
        if layout.driver == "container":
            yield from _address_on_bridge(layout, vip)


def _missing(layout: ResolvedCluster) -> Iterator[Issue]:
    size = layout.size(CONTROL_PLANE)
    if size > 1:
        key = "hosts" if layout.driver == "existing" else "count"
        counted = layout.pool(CONTROL_PLANE).count is not None
        yield issue(
            layout.endpoint_path(),
            None,
            f"missing: {size} control planes need a shared endpoint",
            allowed="external: the host:port of a load balancer; "
            "or vip: a virtual IP address:port on the control planes",
            example=EXAMPLE,
            # An explicit count does not depend on the driver.
            sources=(
                layout.pool_path(CONTROL_PLANE, key),
                *(() if counted else layout.driver_paths),
            ),
        )


def _port(layout: ResolvedCluster, vip: Vip) -> Iterator[Issue]:
    taken = TAKEN_PORTS.get(vip.port)
    if taken is None and vip.port in NODE_PORTS:
        taken = "Services of type NodePort"
    if taken:
        yield issue(
            layout.endpoint_path("vip"),
            f"{vip.address}:{vip.port}",
            f"port {vip.port} ({taken}) is in use on every control plane",
            allowed="a port that is unused on control planes",
            example=f"vip: {vip.address}:8443",
        )


def _address_on_bridge(layout: ResolvedCluster, vip: Vip) -> Iterator[Issue]:
    subnet = layout.machines.subnet
    if subnet is None:
        return
    sources: tuple[Path, ...] = (layout.machines_path("subnet"), *layout.driver_paths)
    problem = f"is not in the machines' subnet {subnet}"
    if vip.address in subnet:
        ends = {
            subnet.network_address: "the network's own address",
            subnet.broadcast_address: "the network's broadcast address",
            subnet.network_address + GATEWAY: "the network's gateway",
        }
        taken = {**_machines(layout), **ends}.get(vip.address)
        if taken is None:
            return
        problem = f"is {taken}"
        sources = (*sources, *(layout.pool_path(role, "count") for role in ROLES))
    yield issue(
        layout.endpoint_path("vip"),
        f"{vip.address}:{vip.port}",
        problem,
        allowed=f"an unused address in {subnet}",
        example=f"vip: {subnet.broadcast_address - 1}:8443",
        sources=sources,
    )


def _machines(layout: ResolvedCluster) -> dict[IPv4Address, str]:
    return {
        address: f"the address of {layout.name}-{role}-{index}"
        for role in ROLES
        for index, (_, address) in enumerate(layout.addresses(role))
        if address is not None
    }
