"""Turns in which Nodes leave: how many, in which order, and what ends the wait."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from ops.current_run import Group
from ops.errors import OperatorError
from ops.kube import client, turns
from ops.kube.node import CORDONED
from ops.kube.nodes import Nodes
from ops.kube.turns import Slots, Turn
from tests.ops.kube.api_server import Api
from tests.waiting import await_true

WORKERS = [f"worker-{index}" for index in range(4)]
SLOTS = Slots(parallel=32, limit=24)


class Cluster:
    """The Nodes that the API shows, by name: Ready or not."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ready = dict.fromkeys(WORKERS, True)
        self.cordoned: set[str] = set()
        self.since = datetime.now(UTC)
        self.said: list[str] = []
        api.answers["GET /api/v1/nodes"] = lambda: (200, {"items": [*map(self._node, self.ready)]})

    def _node(self, name: str) -> dict[str, Any]:
        condition = {
            "type": "Ready",
            "status": str(self.ready[name]),
            "lastTransitionTime": self.since.isoformat(timespec="seconds"),
        }
        annotations = {CORDONED: "rollout"} if name in self.cordoned else {}
        return {
            "metadata": {"name": name, "annotations": annotations},
            "spec": {},
            "status": {"conditions": [condition]},
        }

    def turn(
        self, name: str, limit: int = 1, nodes: list[str] = WORKERS, role: str = "worker"
    ) -> Turn:
        found = Nodes(client.of(self.api.kubeconfig))
        return Turn(found, name, Group(role, "", nodes, limit), self.said.append)

    def start(self, name: str, **options: Any) -> "Leaving":
        leaving = Leaving(self.turn(name, **options))
        leaving.start()
        return leaving


class Leaving(Thread):
    """A Node that leaves: `has_turn` while it does, until `end`."""

    def __init__(self, turn: Turn, slots: Slots = SLOTS) -> None:
        super().__init__(daemon=True)
        self.turn, self.slots = turn, slots
        self.has_turn, self.ends = Event(), Event()
        self.error = ""

    def run(self) -> None:
        try:
            with self.turn.taken(self.slots):
                self.has_turn.set()
                assert self.ends.wait(20)
        except OperatorError as error:
            self.error = str(error)

    def end(self) -> None:
        self.ends.set()
        self.join(20)


@pytest.fixture
def cluster(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(turns, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(client, "POLL_SECONDS_PER_NODE", 0)
    monkeypatch.setattr(turns, "_clusters", {})
    monkeypatch.setattr(turns, "_waiting", set())
    monkeypatch.setattr(turns, "_missed", set())
    yield Cluster(api)


def test_the_next_one_leaves_when_the_former_one_is_ready_again(cluster: Cluster) -> None:
    first = cluster.start("worker-0")
    assert first.has_turn.wait(5)
    second = cluster.start("worker-1")
    assert not second.has_turn.wait(0.3)
    del cluster.ready["worker-0"]
    first.end()
    assert not second.has_turn.wait(0.3), "its successor has not joined"
    cluster.ready["worker-0"] = False
    assert not second.has_turn.wait(0.3), "its successor is not Ready"
    cluster.ready["worker-0"] = True
    assert second.has_turn.wait(5)
    second.end()
    assert cluster.said[0] == "waiting for other machines: worker-0 is drained"
    assert "waiting for other machines: worker-0 is not registered" in cluster.said


def test_as_many_leave_together_as_may_be_unavailable(cluster: Cluster) -> None:
    leaving = [cluster.start(name, limit=2) for name in WORKERS]
    await_true(lambda: sum(each.has_turn.is_set() for each in leaving) == 2, "two turns", 5)
    assert not await_more_than(leaving, 2)
    for each in leaving:
        each.ends.set()
    await_true(lambda: not any(each.is_alive() for each in leaving), "the end", 10)


def await_more_than(leaving: list[Leaving], count: int) -> bool:
    Event().wait(0.3)
    return sum(each.has_turn.is_set() for each in leaving) > count


def test_one_that_leaves_permanently_counts_only_until_it_is_gone(cluster: Cluster) -> None:
    first = cluster.start("worker-0", nodes=WORKERS[2:])
    assert first.has_turn.wait(5)
    second = cluster.start("worker-1", nodes=WORKERS[2:])
    assert not second.has_turn.wait(0.3)
    del cluster.ready["worker-0"]
    first.end()
    assert second.has_turn.wait(5)
    second.end()


@pytest.mark.parametrize("state", ["missing", "not ready"])
def test_a_dead_machine_is_replaced_at_once_and_before_the_others(
    cluster: Cluster, state: str
) -> None:
    cluster.ready["worker-3"] = False
    if state == "missing":
        del cluster.ready["worker-3"]
    healthy = cluster.start("worker-0")
    assert not healthy.has_turn.wait(0.3)
    dead = cluster.start("worker-3")
    assert dead.has_turn.wait(5)
    cluster.ready["worker-3"] = True
    dead.end()
    assert healthy.has_turn.wait(5)
    healthy.end()


@pytest.mark.parametrize(("limit", "turns"), [(1, 1), (2, 1), (3, 2)])
def test_a_worker_that_was_lost_before_the_run_leaves_one_turn_to_the_others(
    cluster: Cluster, limit: int, turns: int
) -> None:
    cluster.ready["worker-3"] = False
    cluster.since -= timedelta(hours=1)
    leaving = [cluster.start(name, limit=limit) for name in WORKERS[:3]]
    await_true(lambda: sum(each.has_turn.is_set() for each in leaving) == turns, "turns", 5)
    assert not await_more_than(leaving, turns)
    for each in leaving:
        each.ends.set()
    await_true(lambda: not any(each.is_alive() for each in leaving), "the end", 10)


def test_a_lost_control_plane_leaves_no_turn_to_the_others(cluster: Cluster) -> None:
    cluster.ready = {name: name != "cp-a" for name in CONTROL_PLANES}
    cluster.since -= timedelta(hours=1)
    waiting = cluster.start("cp-c", nodes=CONTROL_PLANES, role="control-plane")
    assert not waiting.has_turn.wait(0.3)
    cluster.ready["cp-a"] = True
    assert waiting.has_turn.wait(5)
    waiting.end()


def test_a_node_that_an_earlier_run_cordoned_counts(cluster: Cluster) -> None:
    cluster.cordoned.add("worker-2")
    waiting = cluster.start("worker-0")
    assert not waiting.has_turn.wait(0.3)
    cluster.cordoned.clear()
    assert waiting.has_turn.wait(5)
    waiting.end()


def test_one_that_does_not_come_back_ends_the_wait(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "RETURN_SECONDS", 0.1)
    cluster.ready["worker-3"] = False
    waiting = cluster.start("worker-0")
    waiting.join(10)
    assert waiting.error.startswith("worker-0 was not drained: after 0 s: worker-3 is not Ready.")
    assert "Nothing was changed on worker-0" in waiting.error


def test_a_failed_turn_stops_those_that_wait_for_it(cluster: Cluster) -> None:
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(OperatorError, match="held by a budget"))
        stack.enter_context(cluster.turn("worker-0").taken(SLOTS))
        waiting = cluster.start("worker-1")
        assert not waiting.has_turn.wait(0.3)
        raise OperatorError("held by a budget")
    waiting.join(10)
    assert "worker-0 could not leave (see its error)" in waiting.error
    again = cluster.start("worker-0")
    assert again.has_turn.wait(5), "it is tried again"
    again.end()


CONTROL_PLANES = ["cp-a", "cp-b", "cp-c"]


def start_control_plane(cluster: Cluster, name: str, missing: str) -> Leaving:
    cluster.ready = {other: True for other in ("cp-0", *CONTROL_PLANES) if other != missing}
    return cluster.start(name, nodes=CONTROL_PLANES, role="control-plane")


def test_a_control_plane_waits_for_one_that_joins_before_it(cluster: Cluster) -> None:
    waiting = start_control_plane(cluster, "cp-c", missing="cp-b")
    assert not waiting.has_turn.wait(0.3)
    cluster.ready["cp-b"] = True
    assert waiting.has_turn.wait(5)
    waiting.end()


@pytest.mark.parametrize(
    ("leaving", "missing"),
    # The last is no longer in the config: it leaves when all joins are over.
    [("cp-b", "cp-c"), ("cp-a", "cp-c"), ("cp-b", "cp-a"), ("cp-0", "cp-b")],
)
def test_a_control_plane_does_not_wait_for_one_that_joins_after_it(
    cluster: Cluster, leaving: str, missing: str
) -> None:
    refused = start_control_plane(cluster, leaving, missing)
    refused.join(5)
    assert f"{leaving} was not drained: {missing} is not registered" in refused.error
    assert f"keep {leaving} as it was in the config until {missing} has joined" in refused.error


def test_a_machine_that_cannot_come_back_ends_the_wait_for_it(cluster: Cluster) -> None:
    cluster.ready["worker-0"] = False
    waiting = cluster.start("worker-1")
    assert not waiting.has_turn.wait(0.3)
    with pytest.raises(OperatorError, match="no space"), turns.coming_back("worker-0"):
        raise OperatorError("no space")
    waiting.join(10)
    assert "worker-1 was not drained: worker-0 did not come back (see its error)" in waiting.error


def test_an_unavailable_api_is_reported_by_all_that_wait(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0)
    cluster.api.answers["GET /api/v1/nodes"] = (503, {"message": "starting"})
    waiting = [cluster.start(name) for name in WORKERS]
    for each in waiting:
        each.join(10)
        assert "listing Nodes at" in each.error


def test_no_more_wait_than_leave_slots_for_their_successors(cluster: Cluster) -> None:
    slots = Slots(parallel=2, limit=1)
    with cluster.turn("worker-0").taken(slots):
        second = Leaving(cluster.turn("worker-1"), slots)
        second.start()
        await_true(lambda: bool(cluster.said), "the second waits", 5)
        with pytest.raises(
            OperatorError, match=r"--parallel 2 allows no more than 1 machine .*Nothing"
        ):
            cluster.turn("worker-2").taken(slots).__enter__()
    assert second.has_turn.wait(5)
    second.end()
