"""Rules within one cluster, other than those for its subnets."""

import re
from collections.abc import Iterator

from model.config import lookup
from model.config.addresses import DNS_LABEL
from model.config.machines import DRIVERS, Machines, Pool, parse_memory
from model.config.resolve import FIRST_ADDRESS, ROLES, ResolvedCluster, address_or_none
from model.config.strict import Strict
from model.fleet import CONTROL_PLANE
from model.rules.issue import Issue, issue

NAME_LENGTH = 63
# etcd decides by majority: an even member adds a risk and no safety.
# https://etcd.io/docs/v3.6/faq/#why-an-odd-number-of-cluster-members
CONTROL_PLANE_COUNTS = (1, 3, 5, 7)
# A lower bound against unit mistakes. kubeadm itself requires 1700 MB for a control plane.
SMALLEST_MEMORY = "1Gi"


def check_cluster(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues within one cluster."""
    yield from _names(layout)
    yield from _driver_keys(layout)
    yield from _control_planes(layout)
    if layout.driver == "container":
        yield from _container_machines(layout)
    if layout.driver == "existing":
        yield from _existing_hosts(layout)


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
                    allowed=f"a name that does not continue '{owner}' like its machine names",
                    example="tokyo",
                )


def _names(layout: ResolvedCluster) -> Iterator[Issue]:
    path, name = layout.path, layout.name
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
        longest = f"{name}-{role}-{max(layout.size(role) - 1, 0)}"
        if len(longest) > NAME_LENGTH:
            room = NAME_LENGTH - len(longest) + len(name)
            yield issue(
                path,
                name,
                f"the machine name {longest} is longer than a DNS label",
                allowed=f"a cluster name of at most {room} characters",
                example="cluster1",
                sources=[*layout.driver_paths, layout.pool_path(role, "count")],
            )
            return


def _driver_keys(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield the cluster's settings for drivers that it does not use."""
    keys = DRIVERS[layout.driver]
    yield from _foreign(layout, layout.cluster.machines, Machines, keys.machines, "machines")
    for role in ROLES:
        key = str(layout.pool_path(role)[-1])
        yield from _foreign(layout, layout.pool(role), Pool, keys.pool, key)


def _foreign(
    layout: ResolvedCluster, written: Strict, all_keys: type[Strict], own: type[Strict], part: str
) -> Iterator[Issue]:
    others = {name for each in DRIVERS.values() for name in _keys_of(each.machines, each.pool)}
    for name in sorted(written.model_fields_set & (others - _keys_of(own))):
        alias = str(all_keys.model_fields[name].alias)
        path = (*layout.path, part, alias)
        allowed = sorted(str(field.alias) for field in own.model_fields.values())
        yield issue(
            path,
            getattr(written, name),
            f"setting not supported by driver {layout.driver}",
            allowed="one of " + ", ".join(allowed) + "; or another driver",
            example=f"{allowed[0]}: {lookup.schema_at((*layout.path, part, allowed[0])).snippet}",
            sources=layout.driver_paths,
        )


def _keys_of(*parts: type[Strict]) -> set[str]:
    return {name for part in parts for name in part.model_fields}


def _control_planes(layout: ResolvedCluster) -> Iterator[Issue]:
    size = layout.size(CONTROL_PLANE)
    key = "hosts" if layout.driver == "existing" else "count"
    path = layout.pool_path(CONTROL_PLANE, key)
    # An explicit count does not depend on the driver.
    counted = layout.pool(CONTROL_PLANE).count is not None
    sources = (path,) if counted else (path, *layout.driver_paths)
    if size not in CONTROL_PLANE_COUNTS:
        yield issue(
            path,
            size,
            "etcd needs an odd number of members to tolerate a failure"
            if size
            else "a cluster needs at least one control plane",
            allowed="1, 3, 5 or 7 control planes",
            example="count: 3" if key == "count" else "hosts: [{address: ..., hostKey: ...}]",
            sources=sources,
        )


def _container_machines(layout: ResolvedCluster) -> Iterator[Issue]:
    for role in ROLES:
        if layout.size(role) and layout.memory_bytes(role) < parse_memory(SMALLEST_MEMORY):
            own = layout.pool(role).memory
            path = layout.pool_path(role, "memory") if own else layout.machines_path("memory")
            yield issue(
                path,
                own or layout.machines.memory,
                "not enough memory for a kubelet and its pods",
                allowed=f"at least {SMALLEST_MEMORY}",
                example="memory: 2Gi",
                sources=(*layout.driver_paths, layout.pool_path(role, "count")),
            )
    subnet, path = layout.machines.subnet, layout.machines_path("subnet")
    if subnet is None:
        yield issue(
            path,
            None,
            "missing: container machines need their own subnet",
            allowed="an unused IPv4 network in CIDR notation",
            example="subnet: 10.89.1.0/24",
            sources=layout.driver_paths,
        )
        return
    for role in ROLES:
        size = layout.size(role)
        if size and layout.container_address(role, size - 1) is None:
            first = FIRST_ADDRESS[role]
            yield issue(
                path,
                subnet,
                f"too small: the addresses of {size} {role} machines start at .{first}",
                allowed=f"a network of at least {first + size + 1} addresses",
                example="subnet: 10.89.0.0/20" if size > 100 else "subnet: 10.89.1.0/24",
                sources=(*layout.driver_paths, layout.pool_path(role, "count")),
            )


def _existing_hosts(layout: ResolvedCluster) -> Iterator[Issue]:
    for role in ROLES:
        hosts, count = layout.hosts(role), layout.pool(role).count
        if count is not None and count != len(hosts):
            yield issue(
                layout.pool_path(role, "count"),
                count,
                f"does not match the number of hosts ({len(hosts)})",
                allowed="the number of hosts, or no count",
                example=f"count: {len(hosts)}",
                sources=(*layout.driver_paths, layout.pool_path(role, "hosts")),
            )
        for index, host in enumerate(hosts):
            if host.node_address is None and address_or_none(host.address) is None:
                yield issue(
                    layout.pool_path(role, "hosts", index, "nodeAddress"),
                    None,
                    f"missing: {host.address} is a DNS name, and Nodes need an IP address",
                    allowed="the host's IPv4 address in the cluster's network",
                    example="nodeAddress: 192.168.1.11",
                    sources=(
                        *layout.driver_paths,
                        layout.pool_path(role, "hosts", index, "address"),
                    ),
                )
    ssh = layout.ssh
    if ssh.user != "root" and not ssh.sudo and layout.nodes:
        path = layout.machines_path("ssh")
        yield issue(
            (*path, "sudo"),
            ssh.sudo,
            f"root privileges are required, and {ssh.user} is not root",
            allowed="true for every user except root",
            example="sudo: true",
            sources=(*layout.driver_paths, (*path, "user"), ("machines", "ssh")),
        )
    if ssh.sudo_password is not None and not ssh.sudo:
        path = layout.machines_path("ssh")
        yield issue(
            (*path, "sudoPassword"),
            ssh.sudo_password,
            "a sudo password, but sudo is not enabled",
            allowed="sudoPassword only together with sudo: true",
            example="sudo: true",
            sources=(*layout.driver_paths, (*path, "sudo"), ("machines", "ssh")),
        )
