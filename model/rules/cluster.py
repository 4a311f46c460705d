"""Rules within one cluster, other than those for its subnets."""

from collections.abc import Iterator

from model.config import lookup
from model.config.errors import Path
from model.config.machines import DRIVERS, foreign_keys, parse_memory
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import address_or_none
from model.config.strict import Strict
from model.rules.issue import Issue, issue

# etcd decides by majority: an even member adds a risk and no safety.
# https://etcd.io/docs/v3.6/faq/#why-an-odd-number-of-cluster-members
CONTROL_PLANE_COUNTS = (1, 3, 5, 7)
# A lower bound against unit mistakes. kubeadm itself requires 1700 MB for a control plane.
SMALLEST_MEMORY = "1Gi"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues within one cluster."""
    yield from _driver_keys(cluster)
    yield from _control_planes(cluster)
    if cluster.driver == "container":
        yield from _container_machines(cluster)
    if cluster.driver == "existing":
        yield from _existing_hosts(cluster)


def _driver_keys(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the cluster's settings for drivers that it does not use."""
    keys = DRIVERS[cluster.driver]
    machines: Path = (*cluster.path, "machines")
    yield from _foreign(cluster, cluster.written.machines, keys.machines, machines)
    written: dict[Path, Strict] = {pool.path(): pool.written for pool in cluster.pools}
    # Beside pools, too: their defaults.
    written[*cluster.path, "workers"] = cluster.written.workers
    for path, pool in written.items():
        yield from _foreign(cluster, pool, keys.pool, path)


def _foreign(
    cluster: ResolvedCluster, written: Strict, own: type[Strict], path: Path
) -> Iterator[Issue]:
    fields = type(written).model_fields
    allowed = sorted(str(info.alias) for name, info in own.model_fields.items() if name in fields)
    for name in sorted(written.model_fields_set):
        key = str(fields[name].alias)
        if key in foreign_keys(cluster.driver):
            yield issue(
                (*path, key),
                getattr(written, name),
                f"setting not supported by driver {cluster.driver}",
                allowed=f"keys of this driver: {', '.join(allowed)}; or another driver",
                example=f"{allowed[0]}: {lookup.schema_at((*path, allowed[0])).snippet}",
                sources=cluster.driver_paths,
            )


def _control_planes(cluster: ResolvedCluster) -> Iterator[Issue]:
    pool = cluster.control_planes
    if pool.size not in CONTROL_PLANE_COUNTS:
        yield issue(
            pool.size_path,
            pool.size,
            _control_plane_problem(pool.size),
            allowed="1, 3, 5 or 7 control planes",
            example="count: 3"
            if pool.size_path[-1] == "count"
            else "hosts: {cp-a: {address: ..., hostKey: ...}}",
            sources=cluster.size_paths(pool),
        )


def _control_plane_problem(size: int) -> str:
    if size == 0:
        return "a cluster needs at least one control plane"
    if size % 2 == 0:
        return "etcd needs an odd number of members: an even number tolerates no more failures"
    return "etcd becomes slow with so many members: each write waits for a majority of them"


def _container_machines(cluster: ResolvedCluster) -> Iterator[Issue]:
    for pool in cluster.pools:
        if pool.size and pool.memory_bytes < parse_memory(SMALLEST_MEMORY):
            setting = (*pool.setting, "memory")
            yield issue(
                cluster.path_of(*setting),
                pool.settings.memory,
                "not enough memory for a kubelet and its pods",
                allowed=f"at least {SMALLEST_MEMORY}",
                example="memory: 2Gi",
                sources=(*cluster.paths_of(*setting), *cluster.driver_paths, pool.size_path),
            )
    if cluster.settings.machines.subnet is None:
        yield issue(
            cluster.path_of("machines", "subnet"),
            None,
            "missing: container machines need their own subnet",
            allowed="an unused IPv4 network in CIDR notation",
            example="subnet: 10.89.1.0/24",
            sources=cluster.subnet_paths,
        )


def _existing_hosts(cluster: ResolvedCluster) -> Iterator[Issue]:
    for pool in cluster.pools:
        hosts, count = pool.hosts, pool.written.count
        if count is not None and count != len(hosts):
            yield issue(
                pool.path("count"),
                count,
                f"does not match the number of hosts ({len(hosts)})"
                if hosts
                else f"the driver {cluster.driver} creates no machines: they are hosts",
                allowed="the number of hosts, or no count",
                example=f"count: {len(hosts)}"
                if hosts
                else "hosts: {rack1-a: {address: ..., hostKey: ...}}",
                sources=(*cluster.driver_paths, pool.path("hosts")),
            )
        for name, host in hosts.items():
            if host.node_address is None and address_or_none(host.address) is None:
                yield issue(
                    pool.path("hosts", name, "nodeAddress"),
                    None,
                    f"missing: {host.address} is a DNS name, and Nodes need an IP address",
                    allowed="the host's IPv4 address in the cluster's network",
                    example="nodeAddress: 192.168.1.11",
                    sources=(*cluster.driver_paths, pool.path("hosts", name, "address")),
                )
    yield from _root_privileges(cluster)


def _root_privileges(cluster: ResolvedCluster) -> Iterator[Issue]:
    ssh = cluster.settings.machines.ssh
    sudo = ("machines", "ssh", "sudo")
    if ssh.user != "root" and not ssh.sudo and cluster.nodes:
        yield issue(
            cluster.path_of(*sudo),
            ssh.sudo,
            f"root privileges are required, and {ssh.user} is not root",
            allowed="true for every user except root",
            example="sudo: true",
            sources=(
                *cluster.driver_paths,
                *cluster.paths_of(*sudo),
                *cluster.paths_of("machines", "ssh", "user"),
            ),
        )
    if ssh.sudo_password is not None and not ssh.sudo:
        yield issue(
            cluster.path_of("machines", "ssh", "sudoPassword"),
            ssh.sudo_password,
            "sudoPassword is set, but sudo is not enabled",
            allowed="sudoPassword only together with sudo: true",
            example="sudo: true",
            sources=(*cluster.driver_paths, *cluster.paths_of(*sudo)),
        )
