"""Rules within one cluster, other than those for its subnets."""

import re
from collections.abc import Iterator

from model.config import lookup
from model.config.addresses import DNS_LABEL
from model.config.machines import DRIVERS, foreign_keys, parse_memory
from model.config.resolved_cluster import (
    FIRST_ADDRESS,
    POOL_KEYS,
    ROLES,
    ResolvedCluster,
    address_or_none,
)
from model.config.strict import Strict
from model.fleet import CONTROL_PLANE
from model.rules.issue import Issue, issue

NAME_LENGTH = 63
# etcd decides by majority: an even member adds a risk and no safety.
# https://etcd.io/docs/v3.6/faq/#why-an-odd-number-of-cluster-members
CONTROL_PLANE_COUNTS = (1, 3, 5, 7)
# A lower bound against unit mistakes. kubeadm itself requires 1700 MB for a control plane.
SMALLEST_MEMORY = "1Gi"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues within one cluster."""
    yield from _names(cluster)
    yield from _driver_keys(cluster)
    yield from _control_planes(cluster)
    if cluster.driver == "container":
        yield from _container_machines(cluster)
    if cluster.driver == "existing":
        yield from _existing_hosts(cluster)


def check_clusters(names: frozenset[str]) -> Iterator[Issue]:
    """Yield an issue if there is no cluster, or if a name collides with another's resources."""
    if not names:
        yield issue(
            ("clusters",),
            None,
            "no cluster is defined",
            allowed="at least one cluster",
            example="clusters: {cluster1: {machines: {subnet: 10.89.1.0/24}}}",
        )
    for name in sorted(names):
        for match in re.finditer(r"-(control-plane|workers?)(-|$)", name):
            owner = name[: match.start()]
            if owner in names:
                yield issue(
                    ("clusters", name),
                    name,
                    f"the name collides with resource names of cluster {owner}",
                    allowed="a name that does not begin with "
                    f"{owner}-control-plane or {owner}-worker",
                    example="tokyo",
                )


def _names(cluster: ResolvedCluster) -> Iterator[Issue]:
    path, name = cluster.path, cluster.name
    if not re.fullmatch(DNS_LABEL, name):
        yield issue(
            path,
            name,
            "the name is not a DNS label",
            allowed="at most 63 of a-z, 0-9 and -, starting and ending with a letter or digit",
            example="cluster1",
        )
        return
    for role in ROLES:
        longest = f"{name}-{role}-{max(cluster.size(role) - 1, 0)}"
        if len(longest) > NAME_LENGTH:
            room = NAME_LENGTH - len(longest) + len(name)
            yield issue(
                path,
                name,
                f"the machine name {longest} would be longer than {NAME_LENGTH} characters",
                allowed=f"a cluster name of at most {room} characters",
                example="cluster1",
                sources=[*cluster.driver_paths, cluster.pool_path(role, "count")],
            )
            return


def _driver_keys(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the cluster's settings for drivers that it does not use."""
    keys = DRIVERS[cluster.driver]
    yield from _foreign(cluster, cluster.written.machines, keys.machines, "machines")
    for role in ROLES:
        yield from _foreign(cluster, cluster.written_pool(role), keys.pool, POOL_KEYS[role])


def _foreign(
    cluster: ResolvedCluster, written: Strict, own: type[Strict], part: str
) -> Iterator[Issue]:
    foreign = foreign_keys(cluster.driver)
    allowed = sorted(str(field.alias) for field in own.model_fields.values())
    for name in sorted(written.model_fields_set):
        key = str(type(written).model_fields[name].alias)
        if key in foreign:
            yield issue(
                (*cluster.path, part, key),
                getattr(written, name),
                f"setting not supported by driver {cluster.driver}",
                allowed=f"keys of this driver: {', '.join(allowed)}; or another driver",
                example=f"{allowed[0]}: "
                f"{lookup.schema_at((*cluster.path, part, allowed[0])).snippet}",
                sources=cluster.driver_paths,
            )


def _control_planes(cluster: ResolvedCluster) -> Iterator[Issue]:
    size, path = cluster.size(CONTROL_PLANE), cluster.size_path(CONTROL_PLANE)
    if size not in CONTROL_PLANE_COUNTS:
        yield issue(
            path,
            size,
            _control_plane_problem(size),
            allowed="1, 3, 5 or 7 control planes",
            example="count: 3" if path[-1] == "count" else "hosts: [{address: ..., hostKey: ...}]",
            sources=cluster.size_paths(CONTROL_PLANE),
        )


def _control_plane_problem(size: int) -> str:
    if size == 0:
        return "a cluster needs at least one control plane"
    if size % 2 == 0:
        return "etcd needs an odd number of members: one more than that tolerates no more failures"
    return "etcd becomes slow with so many members: each write waits for a majority of them"


def _container_machines(cluster: ResolvedCluster) -> Iterator[Issue]:
    for role in ROLES:
        if cluster.size(role) and cluster.memory_bytes(role) < parse_memory(SMALLEST_MEMORY):
            setting = (POOL_KEYS[role], "memory")
            yield issue(
                cluster.path_of(*setting),
                cluster.pool(role).memory,
                "not enough memory for a kubelet and its pods",
                allowed=f"at least {SMALLEST_MEMORY}",
                example="memory: 2Gi",
                sources=(
                    *cluster.paths_of(*setting),
                    *cluster.driver_paths,
                    cluster.pool_path(role, "count"),
                ),
            )
    subnet, path = cluster.settings.machines.subnet, cluster.path_of("machines", "subnet")
    if subnet is None:
        yield issue(
            path,
            None,
            "missing: container machines need their own subnet",
            allowed="an unused IPv4 network in CIDR notation",
            example="subnet: 10.89.1.0/24",
            sources=cluster.subnet_paths,
        )
        return
    for role in ROLES:
        size = cluster.size(role)
        if size and cluster.container_address(role, size - 1) is None:
            first = FIRST_ADDRESS[role]
            yield issue(
                path,
                subnet,
                f"too small: the addresses of {size} {role} machines start at .{first}",
                allowed=f"a network of at least {first + size + 1} addresses",
                example="subnet: 10.89.0.0/20" if size > 100 else "subnet: 10.89.1.0/24",
                sources=(*cluster.subnet_paths, cluster.pool_path(role, "count")),
            )


def _existing_hosts(cluster: ResolvedCluster) -> Iterator[Issue]:
    for role in ROLES:
        hosts, count = cluster.hosts(role), cluster.written_pool(role).count
        if count is not None and count != len(hosts):
            yield issue(
                cluster.pool_path(role, "count"),
                count,
                f"does not match the number of hosts ({len(hosts)})",
                allowed="the number of hosts, or no count",
                example=f"count: {len(hosts)}",
                sources=(*cluster.driver_paths, cluster.pool_path(role, "hosts")),
            )
        for index, host in enumerate(hosts):
            if host.node_address is None and address_or_none(host.address) is None:
                yield issue(
                    cluster.pool_path(role, "hosts", index, "nodeAddress"),
                    None,
                    f"missing: {host.address} is a DNS name, and Nodes need an IP address",
                    allowed="the host's IPv4 address in the cluster's network",
                    example="nodeAddress: 192.168.1.11",
                    sources=(
                        *cluster.driver_paths,
                        cluster.pool_path(role, "hosts", index, "address"),
                    ),
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
