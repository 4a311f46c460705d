"""Load the raw config into a fleet, or report all of its problems at once."""

from collections.abc import Callable, Iterator

from model.config import inheritance
from model.config.errors import ConfigError
from model.config.machines import Host
from model.config.parse import read
from model.config.resolve import GATEWAY, ResolvedCluster
from model.config.schema import FleetConfig
from model.config.ssh import ANY_HOST_KEY, Ssh
from model.config.ssh import Bastion as BastionConfig
from model.fleet import (
    CONTROL_PLANE,
    WORKER,
    Artifacts,
    Bastion,
    Cluster,
    ContainerSettings,
    ExistingSettings,
    Fleet,
    Machine,
)
from model.rules import (
    cluster as rules,
)
from model.rules import (
    endpoint as endpoint_rules,
)
from model.rules import (
    nodes,
    proxy,
    restore,
    subnets,
    waves,
)
from model.rules.issue import Issue


def load(raw: object) -> Fleet:
    """Return the fleet described by `raw` (the parsed config value).

    Raises ConfigError with every problem found, before anything is created or changed.
    """
    reading = read(raw)
    problems = list(reading.problems)
    if reading.config is None:
        raise ConfigError(problems)
    layouts = list(_layouts(reading.config))
    for finding in _findings(layouts):
        if not reading.rests_on_placeholder(finding.sources):
            problems.append(finding.problem)
    if problems:
        # A problem in inherited settings is found once per cluster.
        raise ConfigError(list(dict.fromkeys(problems)))
    return Fleet(tuple(_cluster(layout) for layout in layouts))


def _layouts(config: FleetConfig) -> Iterator[ResolvedCluster]:
    for name, cluster in config.clusters.items():
        yield ResolvedCluster(name, config, cluster)


def _findings(layouts: list[ResolvedCluster]) -> Iterator[Issue]:
    yield from rules.check_clusters(frozenset(layout.name for layout in layouts))
    for layout in layouts:
        yield from rules.check_cluster(layout)
        yield from endpoint_rules.check_cluster(layout)
        yield from proxy.check_cluster(layout)
        yield from subnets.check_cluster(layout)
        yield from nodes.check_cluster(layout)
        yield from restore.check_cluster(layout)
    yield from subnets.check_fleet(layouts)
    yield from waves.check_fleet(layouts)


def _cluster(layout: ResolvedCluster) -> Cluster:
    cluster, fleet = layout.cluster, layout.fleet
    endpoint, snapshot = layout.endpoint, layout.snapshot
    assert endpoint is not None, "the rules require one"
    host, _, port = endpoint.rpartition(":")
    subnet = layout.machines.subnet if layout.driver == "container" else None
    return Cluster(
        name=layout.name,
        labels=cluster.labels,
        kubernetes_version=cluster.kubernetes_version or fleet.kubernetes_version,
        endpoint_host=host,
        endpoint_port=int(port),
        vip=layout.vip,
        pod_subnet=cluster.networking.pod_subnet,
        service_subnet=cluster.networking.service_subnet,
        dns_domain=cluster.networking.dns_domain,
        network=cluster.network,
        protect=fleet.protect if cluster.protect is None else cluster.protect,
        driver=layout.driver,
        container_subnet=subnet,
        container_gateway=subnet.network_address + GATEWAY if subnet else None,
        artifacts=Artifacts(fleet.artifacts.source, fleet.artifacts.mirror),
        outbound=inheritance.outbound(layout),
        control_planes=tuple(_machines(layout, CONTROL_PLANE)),
        workers=tuple(_machines(layout, WORKER)),
        upgrade=inheritance.upgrade(layout, waves.wave_of(layout)),
        data_loss=snapshot.acknowledgement if snapshot else cluster.control_planes.accept_data_loss,
        snapshot=snapshot,
        kubelet=inheritance.kubelet(layout),
        api_server=inheritance.api_server(layout),
        controller_manager=inheritance.component(layout, "controller_manager"),
        scheduler=inheritance.component(layout, "scheduler"),
        etcd=inheritance.component(layout, "etcd"),
    )


def _machines(layout: ResolvedCluster, role: str) -> Iterator[Machine]:
    placed = zip(layout.addresses(role), LAYING_OUT[layout.driver](layout, role), strict=True)
    labels, taints = inheritance.labels(layout, role), inheritance.taints(layout, role)
    for index, ((_, address), each) in enumerate(placed):
        name = f"{layout.name}-{role}-{index}"
        yield Machine(name, layout.name, role, index, str(address), each, labels, taints)


def _containers(layout: ResolvedCluster, role: str) -> Iterator[ContainerSettings]:
    subnet = layout.machines.subnet
    assert subnet is not None, "the rules require one"
    cpus, memory_bytes = layout.cpus(role), layout.memory_bytes(role)
    for _, address in layout.addresses(role):
        yield ContainerSettings(
            address_cidr=f"{address}/{subnet.prefixlen}",
            gateway=str(subnet.network_address + GATEWAY),
            cpus=cpus,
            memory_bytes=memory_bytes,
        )


def _hosts(layout: ResolvedCluster, role: str) -> Iterator[ExistingSettings]:
    given = layout.ssh.bastion
    bastion = _bastion(given) if given else None
    for host in layout.hosts(role):
        yield _existing(host, layout.ssh, bastion)


# The machine builders by driver.
LAYING_OUT: dict[
    str, Callable[[ResolvedCluster, str], Iterator[ContainerSettings | ExistingSettings]]
] = {
    "container": _containers,
    "existing": _hosts,
}


def _existing(host: Host, ssh: Ssh, bastion: Bastion | None) -> ExistingSettings:
    return ExistingSettings(
        host=host.address,
        port=host.port or ssh.port,
        user=ssh.user,
        sudo=ssh.sudo,
        sudo_password_name=ssh.sudo_password,
        private_key_name=ssh.private_key,
        agent=ssh.agent,
        host_key=_pinned(host.host_key),
        bastion=bastion,
    )


def _bastion(bastion: BastionConfig) -> Bastion:
    return Bastion(bastion.host, bastion.port, bastion.user, _pinned(bastion.host_key))


def _pinned(host_key: str) -> str | None:
    return None if host_key == ANY_HOST_KEY else host_key
