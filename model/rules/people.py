"""Rules for people: every group, role and cluster that access refers to exists."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from model.config.authentication import TokenHolder, TokenUser
from model.config.errors import DESCENDANTS, Path
from model.config.people import AccessEntry, People, PolicyRule
from model.config.resolved_cluster import ResolvedCluster
from model.people import BUILT_IN_ROLES, WATCHER
from model.rules.issue import Issue, issue
from model.selectors import LabelSelector

PATH: Path = ("people",)
ACCESS_EXAMPLE = "access: [{role: view}]"
HOLDER_EXAMPLE = "tokens: [{issuer: corporate, group: developers}]"


def check_fleet(clusters: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield the issues of people, groups and roles."""
    clusters = list(clusters)
    if not clusters:
        return
    people = clusters[0].fleet.people
    for name, user in people.users.items():
        path = (*PATH, "users", name)
        yield from _groups(people, user.groups, (*path, "groups"))
        yield from _access(people, user.access, (*path, "access"), clusters)
        if not user.groups and not user.access:
            yield _problem(path, None, "has no access", "groups or access", ACCESS_EXAMPLE)
        yield from _tokens(user.tokens, (*path, "tokens"), clusters)
    for name, group in people.groups.items():
        path = (*PATH, "groups", name, "access")
        yield from _access(people, group.access, path, clusters)
        yield from _tokens(group.tokens, (*PATH, "groups", name, "tokens"), clusters)
        if not group.access:
            yield _problem(path, group.access, "no access", "at least one role", ACCESS_EXAMPLE)
    for name, role in people.roles.items():
        path = (*PATH, "roles", name, "rules")
        if not role.rules:
            yield _problem(
                path, role.rules, "no rules", "at least one rule", "rules: [{verbs: ...}]"
            )
        for index, rule in enumerate(role.rules):
            yield from _rule(rule, (*path, index))


def _groups(people: People, groups: Sequence[str], path: Path) -> Iterator[Issue]:
    for index, group in enumerate(groups):
        if group not in people.groups:
            yield _unknown((*path, index), group, "group", people.groups)
        if group in groups[:index]:
            yield _problem(
                (*path, index), group, "listed twice", "each group once", f"groups: [{group}]"
            )


def _access(
    people: People,
    access: Sequence[AccessEntry],
    path: Path,
    clusters: Sequence[ResolvedCluster],
) -> Iterator[Issue]:
    known = {cluster.name: cluster.settings.labels for cluster in clusters}
    for index, entry in enumerate(access):
        here = (*path, index)
        if entry.role not in (*BUILT_IN_ROLES, *people.roles):
            roles = (*BUILT_IN_ROLES, *people.roles)
            yield _unknown((*here, "role"), entry.role, "role", roles, "view")
        if entry.role == WATCHER and entry.namespaces:
            yield _problem(
                (*here, "namespaces"),
                entry.namespaces,
                "set with the role watcher",
                "no such key: the role reads Nodes, and the system's namespaces",
                "role: watcher",
            )
        if entry in access[:index]:
            yield _problem(here, entry.role, "listed twice", "each access once", ACCESS_EXAMPLE)
        yield from _clusters(entry, here, known)
        if entry.namespaces == []:
            yield _problem(
                (*here, "namespaces"),
                entry.namespaces,
                "names no namespace",
                "at least one namespace, or no such key for the whole cluster",
                "namespaces: [shop]",
            )


def _clusters(
    entry: AccessEntry, path: Path, known: Mapping[str, Mapping[str, str]]
) -> Iterator[Issue]:
    if entry.clusters is not None and entry.selector is not None:
        yield _problem(
            (*path, "selector"),
            entry.selector,
            "set beside clusters",
            "one of clusters and selector",
            "selector: environment=dev",
        )
        return
    if entry.clusters == []:
        yield _problem(
            (*path, "clusters"),
            entry.clusters,
            "names no cluster",
            "at least one cluster, or no such key for all clusters",
            "clusters: [cluster1]",
        )
    for index, name in enumerate(entry.clusters or ()):
        if name not in known:
            yield _unknown((*path, "clusters", index), name, "cluster", known)
    if entry.selector is not None:
        selector = LabelSelector.parse(entry.selector)
        if not any(selector.matches(labels) for labels in known.values()):
            yield _problem(
                (*path, "selector"),
                entry.selector,
                "matches no cluster",
                "labels of clusters",
                "selector: environment=dev",
                [("clusters", name, "labels", DESCENDANTS) for name in known],
            )


def _tokens(
    holders: Sequence[TokenUser | TokenHolder], path: Path, clusters: Sequence[ResolvedCluster]
) -> Iterator[Issue]:
    issuers = [issuer for cluster in clusters for issuer in cluster.settings.authentication.issuers]
    names = {issuer.name for issuer in issuers}
    with_groups = {issuer.name for issuer in issuers if issuer.groups_claim}
    sources = [place for cluster in clusters for place in _issuer_paths(cluster)]
    for index, holder in enumerate(holders):
        here = (*path, index)
        if holder.issuer not in names:
            yield _problem(
                (*here, "issuer"),
                holder.issuer,
                "unknown issuer",
                f"one of {', '.join(sorted(names))}" if names else "an issuer that is defined",
                f"issuer: {min(names, default='corporate')}",
                sources,
            )
        elif isinstance(holder, TokenHolder):
            yield from _holder(holder, here, with_groups, sources)
        if holder in holders[:index]:
            yield _problem(here, holder.issuer, "listed twice", "each holder once", HOLDER_EXAMPLE)


def _holder(
    holder: TokenHolder, path: Path, with_groups: Collection[str], sources: Sequence[Path]
) -> Iterator[Issue]:
    if (holder.user is None) == (holder.group is None):
        yield _problem(
            path,
            None,
            "not one of user and group",
            "one of user and group",
            HOLDER_EXAMPLE,
            [(*path, DESCENDANTS)],
        )
    elif holder.group is not None and holder.issuer not in with_groups:
        yield _problem(
            (*path, "group"),
            holder.group,
            f"tokens of {holder.issuer} name no groups",
            "a group of an issuer with groupsClaim",
            "groupsClaim: groups",
            sources,
        )


def _issuer_paths(cluster: ResolvedCluster) -> Iterator[Path]:
    for path in cluster.paths_of("authentication", "issuers"):
        yield (*path, DESCENDANTS)


def _rule(rule: PolicyRule, path: Path) -> Iterator[Issue]:
    """Yield an issue for a rule that the API would refuse."""
    of_resources = bool(rule.resources and rule.api_groups)
    partial = bool(rule.resources) != bool(rule.api_groups)
    if not rule.verbs or partial or of_resources == bool(rule.non_resource_urls):
        yield _problem(
            path,
            None,
            "an incomplete rule",
            "verbs with apiGroups and resources, or verbs with nonResourceURLs",
            "{apiGroups: [apps], resources: [deployments], verbs: [get]}",
        )


def _unknown(
    path: Path, value: str, label: str, known: Iterable[str], suggested: str = ""
) -> Issue:
    """Return the issue; the example is the suggested name, or else the first one."""
    names = sorted(known, key=lambda name: (name != suggested, name))
    allowed = f"one of {', '.join(names)}" if names else f"a {label} that is defined"
    example = f"{path[-1]}: {names[0]}" if names and isinstance(path[-1], str) else ""
    sources: list[Path] = [(*PATH, f"{label}s")] if label != "cluster" else [("clusters",)]
    return _problem(
        path, value, f"unknown {label}", allowed, example or (names or ["..."])[0], sources
    )


def _problem(
    path: Path,
    value: object,
    problem: str,
    allowed: str,
    example: str,
    sources: Iterable[Path] = (),
) -> Issue:
    return issue(path, value, problem, allowed=allowed, example=example, sources=sources)
