"""Rules for names: of clusters and of machines. A name is what a machine is."""

import re
from collections.abc import Iterable, Iterator

from model.config.addresses import DNS_LABEL, label_hint
from model.config.errors import Path, dotted
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedMachine
from model.rules.issue import Issue, issue

NAME_LENGTH = 63


def check_fleet(clusters: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield the issues of all names."""
    clusters = list(clusters)
    yield from _clusters(frozenset(cluster.name for cluster in clusters))
    for cluster in clusters:
        yield from _lengths(cluster)
    yield from _duplicates(clusters)


def _clusters(names: frozenset[str]) -> Iterator[Issue]:
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


def _lengths(cluster: ResolvedCluster) -> Iterator[Issue]:
    path, name = cluster.path, cluster.name
    if not re.fullmatch(DNS_LABEL, name):
        yield issue(
            path,
            name,
            f"the name is not a DNS label: {label_hint(name)}".removesuffix(": "),
            allowed="at most 63 of a-z, 0-9 and -, starting and ending with a letter or digit",
            example="cluster1",
        )
        return
    pool = max(cluster.pools, key=lambda pool: len(pool.longest_name))
    longest = pool.longest_name
    if len(longest) <= NAME_LENGTH:
        return
    # A host and a pool have a name to shorten; other machines have the cluster's.
    host = next((key for key in pool.hosts if pool.node_name(key) == longest), None)
    own = host or (pool.name if pool.is_named else name)
    room = NAME_LENGTH - len(longest) + len(own)
    yield issue(
        pool.path("hosts", host) if host else pool.path() if pool.is_named else path,
        own,
        f"the machine name {longest} would be longer than {NAME_LENGTH} characters",
        allowed=f"a name of at most {room} characters" if room > 0 else "a shorter cluster name",
        example="rack1-a" if host else "general" if pool.is_named else "cluster1",
        sources=(*cluster.driver_paths, pool.path(), pool.size_path),
    )


def _duplicates(clusters: list[ResolvedCluster]) -> Iterator[Issue]:
    """Yield machines with the name of another one, also of another cluster."""
    holders: dict[str, ResolvedMachine] = {}
    for cluster in clusters:
        for machine in cluster.machines:
            holder = holders.setdefault(machine.name, machine)
            if holder is not machine:
                yield issue(
                    _path(machine),
                    machine.name,
                    f"the Node's name is also that of {dotted(_path(holder))}",
                    allowed="a name that is unique in the fleet",
                    example="rack1-a" if machine.host else "general",
                    sources=(*cluster.driver_paths, machine.pool.size_path, _path(holder)),
                )
                break


def _path(machine: ResolvedMachine) -> Path:
    return machine.host_path if machine.host else machine.pool.size_path
