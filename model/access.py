"""Who may do what in which cluster: the people of the config, with the access of their groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from model.config.authentication import TokenHolder, TokenUser
from model.config.durations import parse_seconds
from model.config.people import AccessEntry, People, User
from model.config.resolved_cluster import ResolvedCluster
from model.issuer import prefix_of
from model.own_namespaces import watched_namespaces
from model.people import (
    AUDITOR_ROLE,
    READ_ONLY_ROLES,
    WATCHER,
    WATCHER_ROLE,
    WATCHER_SYSTEM_ROLE,
    Access,
    Bound,
    Grant,
    Person,
    Role,
    Subject,
    group_prefix,
    person_prefix,
)
from model.selectors import LabelSelector

LIFETIME_SECONDS = 8 * 3600
READ_ONLY_LIFETIME_SECONDS = 7 * 24 * 3600


def people_of(clusters: Sequence[ResolvedCluster]) -> tuple[Person, ...]:
    """Return the people of the fleet whose access has not been revoked, by name."""
    people = clusters[0].fleet.people
    users = sorted(people.users.items())
    return tuple(Person(name, _lifetime(people, user)) for name, user in users if not user.revoked)


def access_to(cluster: ResolvedCluster) -> Access:
    """Return the grants in one cluster of everybody who has any, by name."""
    return _access(cluster, revoked=False)


def revoked_in(cluster: ResolvedCluster) -> tuple[str, ...]:
    """Return who would have access to one cluster if it had not been revoked, by name."""
    return tuple(_access(cluster, revoked=True))


def bindings_in(cluster: ResolvedCluster) -> tuple[Bound, ...]:
    """Return what is bound in one cluster: for people, and for the tokens of groups."""
    people = cluster.fleet.people
    roles = _roles(people)
    found = [
        Bound(
            person_prefix(name),
            (Subject("User", name), *_subjects(people.users[name].tokens, cluster)),
            grants,
        )
        for name, grants in access_to(cluster).items()
    ]
    for name, group in sorted(people.groups.items()):
        subjects = tuple(_subjects(group.tokens, cluster))
        grants = _grants(group.access, cluster, roles)
        if subjects and grants:
            found.append(Bound(group_prefix(name), subjects, grants))
    return tuple(found)


def _access(cluster: ResolvedCluster, *, revoked: bool) -> Access:
    people = cluster.fleet.people
    roles = _roles(people)
    found = {
        name: _grants(_entries(people, user), cluster, roles)
        for name, user in sorted(people.users.items())
        if user.revoked is revoked
    }
    return {name: grants for name, grants in found.items() if grants}


def _grants(
    entries: Iterable[AccessEntry], cluster: ResolvedCluster, roles: Mapping[str, Role]
) -> tuple[Grant, ...]:
    """Return what these entries grant in the cluster, each once."""
    grants = {
        grant
        for entry in entries
        if _applies(entry, cluster)
        for grant in _granted(entry, cluster, roles)
    }
    return tuple(sorted(grants, key=str))


def _granted(
    entry: AccessEntry, cluster: ResolvedCluster, roles: Mapping[str, Role]
) -> Iterator[Grant]:
    for namespace in entry.namespaces or ("",):
        yield Grant(roles.get(entry.role, Role(entry.role)), namespace)
    if entry.role == WATCHER:
        for namespace in watched_namespaces(cluster.settings.network):
            yield Grant(WATCHER_SYSTEM_ROLE, namespace)


def _subjects(
    holders: Iterable[TokenUser | TokenHolder], cluster: ResolvedCluster
) -> Iterator[Subject]:
    """Yield the subjects of tokens that the cluster accepts."""
    known = {issuer.name for issuer in cluster.settings.authentication.issuers}
    for holder in holders:
        if holder.issuer in known:
            group = holder.group if isinstance(holder, TokenHolder) else None
            kind, name = ("Group", group) if group else ("User", holder.user)
            yield Subject(kind, f"{prefix_of(holder.issuer)}{name}")


def _entries(people: People, user: User) -> Iterator[AccessEntry]:
    yield from user.access
    for group in user.groups:
        yield from people.groups[group].access


def _applies(entry: AccessEntry, cluster: ResolvedCluster) -> bool:
    if entry.selector is not None:
        return LabelSelector.parse(entry.selector).matches(cluster.settings.labels)
    return entry.clusters is None or cluster.name in entry.clusters


def _lifetime(people: People, user: User) -> int:
    if user.lifetime is not None:
        return parse_seconds(user.lifetime)
    reads_only = all(entry.role in READ_ONLY_ROLES for entry in _entries(people, user))
    return READ_ONLY_LIFETIME_SECONDS if reads_only else LIFETIME_SECONDS


def _roles(people: People) -> dict[str, Role]:
    """Return the roles with rules of their own, by name."""
    own = {
        name: Role(
            name,
            tuple(rule.model_dump(by_alias=True, exclude_none=True) for rule in role.rules),
        )
        for name, role in people.roles.items()
    }
    return {AUDITOR_ROLE.name: AUDITOR_ROLE, WATCHER_ROLE.name: WATCHER_ROLE, **own}
