"""Columns of the answers of `fleet audit`, for the terminal and for a page."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from model.audit.report import AuditEvent, AuditReport, DeprecatedClient
from model.config.errors import visible
from scripts.fleet.nodes import age

# A cell's length on the terminal; pages and documents have all of it.
LONGEST_CELL = 100
NOTHING = "-"
ALL = "*"
CUT = "…"


@dataclass(frozen=True)
class Column:
    """A column; `is_wide` is one that a narrow table does not have."""

    title: str
    cell: Callable[[AuditEvent], str]
    is_wide: bool = False


@dataclass(frozen=True)
class Rows:
    """Titles, and rows of as many texts, which a terminal may show."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def rows(report: AuditReport, *, wide: bool) -> Rows:
    """Return what a report says."""
    if report.question == "deprecated":
        return _of_clients(report.clients)
    columns = [each for each in COLUMNS[report.question] if wide or not each.is_wide]
    return Rows(
        tuple(each.title for each in columns),
        tuple(
            tuple(visible(each.cell(event)) or NOTHING for each in columns)
            for event in report.events
        ),
    )


def shortened(text: str) -> str:
    """Return the beginning of a text that is too long for a cell."""
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}{CUT}"


def time_text(time: datetime) -> str:
    """Return a time as --since takes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _of_clients(clients: Sequence[DeprecatedClient]) -> Rows:
    titles = (
        *("CLUSTER", "USER", "RESOURCE", "VERSION", "REMOVED IN", "REQUESTS", "LAST"),
        "USER AGENT",
    )
    found = (
        (
            client.cluster,
            client.user,
            typed(client.resource, client.api_group),
            client.api_version,
            client.removed_release,
            str(client.requests),
            time_text(client.last),
            client.user_agent,
        )
        for client in clients
    )
    return Rows(titles, tuple(tuple(visible(cell) or NOTHING for cell in row) for row in found))


def typed(resource: str, group: str, subresource: str = "") -> str:
    """Return a resource as kubectl names it: deployments.apps, pods/eviction."""
    name = f"{resource}.{group}" if group else resource
    return f"{name}/{subresource}" if subresource else name


def _user(event: AuditEvent) -> str:
    if event.impersonated_user:
        return f"{event.user} as {event.impersonated_user}"
    return event.user or "<unauthenticated>"


def _resource(event: AuditEvent) -> str:
    if event.resource:
        return typed(event.resource, event.api_group, event.subresource)
    return event.uri.partition("?")[0]


def _name(event: AuditEvent) -> str:
    """Return the object: all, where a collection was read or deleted."""
    is_of_all = event.resource and event.verb in ("list", "watch", "deletecollection")
    return event.name or (ALL if is_of_all else "")


def _reason(event: AuditEvent) -> str:
    return event.message or ("Unauthorized" if event.code == 401 else "")


def _lasted(event: AuditEvent) -> str:
    if event.code >= 400:
        return f"refused ({event.code})"
    if event.ended is None:
        return "no end logged"
    return age(max(0.0, (event.ended - event.time).total_seconds()))


TIME = Column("TIME", lambda event: time_text(event.time))
CLUSTER = Column("CLUSTER", lambda event: event.cluster)
USER = Column("USER", _user)
VERB = Column("VERB", lambda event: event.verb)
RESOURCE = Column("RESOURCE", _resource)
NAMESPACE = Column("NAMESPACE", lambda event: event.namespace)
NAME = Column("NAME", _name)
ORIGIN = (
    Column("SOURCE", lambda event: ",".join(event.source_ips), is_wide=True),
    Column("USER AGENT", lambda event: event.user_agent, is_wide=True),
    Column("NODE", lambda event: event.node, is_wide=True),
    Column("AUDIT ID", lambda event: event.audit_id, is_wide=True),
)
WHO = (TIME, CLUSTER, USER, VERB)
WHAT = (RESOURCE, NAMESPACE, NAME)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "changes": (
        *(*WHO, *WHAT),
        Column("FIELDS", lambda event: ",".join(event.changed_fields), is_wide=True),
        *ORIGIN,
    ),
    "denied": (
        *(*WHO, *WHAT),
        Column("CODE", lambda event: str(event.code)),
        Column("REASON", _reason),
        *ORIGIN,
    ),
    "secrets": (*WHO, NAMESPACE, NAME, *ORIGIN),
    "exec": (
        *(TIME, CLUSTER, USER, Column("SESSION", lambda event: event.subresource), NAMESPACE, NAME),
        Column("CONTAINER", lambda event: event.container),
        Column("LASTED", _lasted),
        Column("COMMAND", lambda event: shlex.join(event.command)),
        *ORIGIN,
    ),
    "who-deleted": (*WHO, *WHAT, *ORIGIN),
}
