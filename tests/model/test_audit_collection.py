"""What is kept of the events: the newest, each request once; clients, counted."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from model.audit import collection
from model.audit.collection import DeprecatedClients, NewestEvents
from model.audit.events import parse
from tests.audit_events import NOW, line

PLACE = ("one", "one-control-plane-0")
OTHER = ("one", "one-control-plane-1")
MINUTE = timedelta(minutes=1)


def add(
    kept: NewestEvents | DeprecatedClients, *event: Any, place: tuple[str, str] = PLACE, **more: Any
) -> None:
    parsed = parse(line(*event, **more))
    assert parsed
    kept.add(place, parsed)


def at(minutes: int) -> datetime:
    return NOW + minutes * MINUTE


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 3, 2, 1), (3, 1, 4, 2)])
def test_the_newest_are_kept_and_sorted(order: tuple[int, ...]) -> None:
    kept = NewestEvents(2)
    for minutes in order:
        add(kept, "delete", "pods", f"web-{minutes}", received=at(minutes))
    assert [entry.name for entry in kept.entries()] == ["web-3", "web-4"]
    assert kept.is_truncated


def test_none_is_lost_below_the_limit() -> None:
    kept = NewestEvents(2)
    add(kept, received=at(2))
    add(kept, received=at(1))
    assert not kept.is_truncated
    assert [entry.time for entry in kept.entries()] == [at(1), at(2)]


SESSION: dict[str, Any] = {
    "subresource": "exec",
    "name": "web-0",
    "uri": "/x?command=sh&command=-c&container=app",
}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_stages_of_a_request_are_one_row(order: tuple[int, int]) -> None:
    kept = NewestEvents(5)
    stages: list[dict[str, Any]] = [
        {"stage": "ResponseStarted", "code": 101},
        {"stage": "ResponseComplete", "code": 101, "reached": at(30)},
    ]
    for number in order:
        add(kept, **SESSION, **stages[number])
    (entry,) = kept.entries()
    assert (entry.time, entry.ended) == (NOW, at(30))
    assert (entry.command, entry.container) == (("sh", "-c"), "app")


def test_a_session_that_is_open_has_no_end() -> None:
    kept = NewestEvents(5)
    add(kept, **SESSION, stage="ResponseStarted")
    assert [entry.ended for entry in kept.entries()] == [None]


def test_requests_with_one_audit_id_are_all_shown() -> None:
    """A client chooses it, with a header."""
    kept = NewestEvents(9)
    for name in ("a", "b"):
        add(kept, "delete", "pods", name)
    add(kept, "delete", "pods", "a", received=at(1))
    add(kept, "delete", "pods", "a", user="bob")
    add(kept, "delete", "pods", "a", place=OTHER)
    assert len(kept.entries()) == 5


def test_a_control_planes_second_copy_of_an_event_is_the_same() -> None:
    kept = NewestEvents(9)
    for _ in range(2):
        add(kept, "delete", "pods", "a")
    assert len(kept.entries()) == 1


MARKED = {"k8s.io/deprecated": "true", "k8s.io/removed-release": "1.38"}


def test_clients_of_deprecated_apis_are_counted() -> None:
    kept = DeprecatedClients(9)
    for minutes in (5, 1, 9):
        add(kept, "list", version="v1beta1", received=at(minutes), annotations=MARKED)
    add(kept, "watch", stage="ResponseStarted", version="v1beta1", annotations=MARKED)
    add(kept, "list", user="bob", annotations=MARKED | {"k8s.io/removed-release": "1.9"})
    bob, alice = kept.entries()
    assert (bob.user, bob.requests, bob.removed_release) == ("bob", 1, "1.9")
    assert (alice.user, alice.requests, alice.first, alice.last) == ("alice", 3, at(1), at(9))
    assert not kept.is_truncated


def test_the_number_of_clients_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "MOST_CLIENTS", 3)
    kept = DeprecatedClients(2)
    for number in range(5):
        add(kept, agent=f"client-{number}", received=at(number), annotations=MARKED)
    assert [entry.user_agent for entry in kept.entries()] == ["client-1", "client-2"]
    assert kept.is_truncated
