"""Who may do what in which cluster: the people of the config, with the access of their groups."""

from collections.abc import Iterator, Sequence

from model.config.durations import parse_seconds
from model.config.people import AccessEntry, People, User
from model.config.resolved_cluster import ResolvedCluster
from model.people import AUDITOR_ROLE, READ_ONLY_ROLES, Access, Grant, Person, Role
from model.selectors import LabelSelector

LIFETIME_SECONDS = 8 * 3600
READ_ONLY_LIFETIME_SECONDS = 7 * 24 * 3600


def people_of(clusters: Sequence[ResolvedCluster]) -> tuple[Person, ...]:
    """Return the people of the fleet, by name."""
    people = clusters[0].fleet.people
    users = sorted(people.users.items())
    return tuple(Person(name, _lifetime(people, user)) for name, user in users)


def access_to(cluster: ResolvedCluster) -> Access:
    """Return the grants in one cluster of everybody who has any, by name."""
    people = cluster.fleet.people
    roles = {AUDITOR_ROLE.name: AUDITOR_ROLE, **_own_roles(people)}
    found = {}
    for name, user in sorted(people.users.items()):
        entries = [entry for entry in _entries(people, user) if _applies(entry, cluster)]
        grants = dict.fromkeys(
            Grant(roles.get(entry.role, Role(entry.role)), namespace)
            for entry in entries
            for namespace in entry.namespaces or ("",)
        )
        if grants:
            found[name] = tuple(sorted(grants, key=str))
    return found


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


def _own_roles(people: People) -> dict[str, Role]:
    return {
        name: Role(
            name,
            tuple(rule.model_dump(by_alias=True, exclude_none=True) for rule in role.rules),
        )
        for name, role in people.roles.items()
    }
