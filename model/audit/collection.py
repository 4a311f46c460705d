"""What is kept of the events that answer a question: a bounded number, whatever the logs have."""

from datetime import datetime
from heapq import heappop, heappush
from typing import Protocol

from model.audit.events import STARTED, Event
from model.audit.questions import REMOVED_RELEASE, query
from model.audit.report import AuditEvent, DeprecatedClient

# Clients choose their names: without a limit they would decide how much memory is used.
MOST_CLIENTS = 10_000
# A cluster, and the control plane of it that has the log.
Place = tuple[str, str]
_Key = tuple[tuple[datetime, str, str, str, str], Place]


class Collection(Protocol):
    """Takes events in any order."""

    is_truncated: bool

    def add(self, place: Place, event: Event) -> None:
        """Take an event of a control plane."""


class NewestEvents:
    """The newest requests, each once: its stages are combined."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._order: list[_Key] = []
        self._events: dict[_Key, Event] = {}
        self.is_truncated = False

    def add(self, place: Place, event: Event) -> None:
        """Take an event of a control plane."""
        key = (event.key, place)
        if known := self._events.get(key):
            # What a session executed is in both; the last stage has its end.
            self._events[key] = event if known.stage == STARTED else known
            return
        self._events[key] = event
        heappush(self._order, key)
        if len(self._order) > self._limit:
            del self._events[heappop(self._order)]
            self.is_truncated = True

    def entries(self) -> tuple[AuditEvent, ...]:
        """Return them, the oldest first."""
        return tuple(_entry(self._events[key], *key[1]) for key in sorted(self._order))


class DeprecatedClients:
    """Requests for deprecated versions, counted by client."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._clients: dict[tuple[str, ...], DeprecatedClient] = {}
        self.is_truncated = False

    def add(self, place: Place, event: Event) -> None:
        """Count an event of any control plane."""
        if event.stage == STARTED:
            return  # It is counted when it ends.
        cluster, _ = place
        key = (
            *(cluster, event.user, event.user_agent, event.resource, event.api_group),
            event.api_version,
        )
        known = self._clients.get(key)
        if known is None and len(self._clients) >= MOST_CLIENTS:
            self.is_truncated = True
            return
        self._clients[key] = _counted(cluster, event) if known is None else _once_more(known, event)

    def entries(self) -> tuple[DeprecatedClient, ...]:
        """Return those with the last request, by cluster, and by what goes first."""
        found = sorted(self._clients.values(), key=lambda client: client.last, reverse=True)
        self.is_truncated = self.is_truncated or len(found) > self._limit
        return tuple(sorted(found[: self._limit], key=_order))


def _order(client: DeprecatedClient) -> tuple[object, ...]:
    release = tuple(int(part) for part in client.removed_release.split(".") if part.isdecimal())
    return client.cluster, release, client.resource, client.user, client.user_agent


def _counted(cluster: str, event: Event) -> DeprecatedClient:
    return DeprecatedClient(
        cluster=cluster,
        user=event.user,
        user_agent=event.user_agent,
        resource=event.resource,
        api_group=event.api_group,
        api_version=event.api_version,
        removed_release=event.annotations.get(REMOVED_RELEASE, ""),
        requests=1,
        first=event.received,
        last=event.received,
    )


def _once_more(known: DeprecatedClient, event: Event) -> DeprecatedClient:
    return known.model_copy(
        update={
            "requests": known.requests + 1,
            "first": min(known.first, event.received),
            "last": max(known.last, event.received),
        }
    )


def _entry(event: Event, cluster: str, node: str) -> AuditEvent:
    parameters = query(event.uri)
    is_session = bool(event.subresource)
    return AuditEvent(
        cluster=cluster,
        node=node,
        audit_id=event.audit_id,
        time=event.received,
        ended=None if event.stage == STARTED else event.reached,
        user=event.user,
        impersonated_user=event.impersonated,
        verb=event.verb,
        resource=event.resource,
        subresource=event.subresource,
        namespace=event.namespace,
        name=event.name,
        api_group=event.api_group,
        api_version=event.api_version,
        code=event.code,
        message=event.message,
        decision=event.annotations.get("authorization.k8s.io/decision", ""),
        changed_fields=event.changed,
        container=next(iter(parameters.get("container", ())), "") if is_session else "",
        command=tuple(parameters.get("command", ())) if is_session else (),
        source_ips=event.source_ips,
        user_agent=event.user_agent,
        uri=event.uri,
    )
