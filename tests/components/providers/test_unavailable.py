"""A rollout that left workers out is done, and due again."""

from dataclasses import replace
from typing import Any

import pytest

from components.providers import rollout, rollout_plan
from components.providers.rollout import RolloutProvider
from ops.kube.node import Node
from ops.rollout.progress import Progress
from tests.ops.rollout.examples import inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, machines_of

NEWER = "v1.36.4"
DEAD = "a-worker-1"
WORK = "upgraded from v1.36.3 to v1.36.4: "


class Warnings:
    """The log of a run."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.said: list[str] = []

    def __call__(self, text: str, *, ephemeral: bool, warning: bool = False) -> None:
        assert not (ephemeral and warning)
        self.said.append(text)
        self.warnings += [text] if warning else []


@pytest.fixture
def log() -> Warnings:
    return Warnings()


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, log: Warnings) -> FakeFleet:
    """A fleet that is to be upgraded, with a dead worker."""
    made = FakeFleet(inputs(version=NEWER), alike(inputs(), staged=(NEWER,)))
    monkeypatch.setattr(rollout, "_machines", lambda _: machines_of(made))
    for module in (rollout, rollout_plan):
        monkeypatch.setattr(module, "nodes_of", lambda _: FakeNodes(made))
    monkeypatch.setattr(rollout, "_progress", lambda _: Progress(log))
    monkeypatch.setattr(rollout_plan, "_losses", lambda *_: {})
    made.found[DEAD] = replace(made.found[DEAD], unreachable="no route", node=_node(ready=False))
    return made


def _node(*, ready: bool) -> Node:
    found = alike(inputs())[DEAD].node
    assert found
    return replace(found, ready=ready, ready_since="2026-11-26T01:00:00Z")


def checked(olds: Any, **changes: Any) -> dict[str, Any]:
    return RolloutProvider().check(olds, inputs(**changes)).inputs


def up(olds: Any, news: Any) -> dict[str, Any]:
    """Update if there is a change, as the engine does; return the outputs."""
    assert RolloutProvider().diff("id", olds, news).changes
    return RolloutProvider().update("id", olds, news).outs or {}


def test_the_change_of_an_unavailable_worker_is_pending_until_it_is_back(
    fleet: FakeFleet, log: Warnings
) -> None:
    before = checked({})
    state = {**before, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    news = checked(before, version=NEWER)
    state = up(state, news)
    assert state["version"] == NEWER
    entry = state["unavailable"][DEAD]
    assert (entry["reason"], entry["since"]) == ("unreachable: no route", "2026-11-26T01:00:00Z")
    assert entry["pending"].startswith(WORK)
    node = fleet.found[DEAD].node
    assert node
    assert node.pending == entry["pending"]
    (warning,) = log.warnings
    assert f"{DEAD}: unavailable since 2026-11-26 01:00 UTC" in warning
    assert WORK in warning

    state = RolloutProvider().read("id", state).outs or {}
    assert state["unavailable"][DEAD] == entry
    again = up(state, checked(news, version=NEWER))
    assert again["unavailable"][DEAD] == entry

    fleet.found[DEAD] = replace(fleet.found[DEAD], unreachable="", node=_node(ready=True))
    done = up(again, checked(news, version=NEWER))
    assert done["unavailable"] == {}
    assert "upgrade_kubelet" in fleet.of(DEAD)
    assert not RolloutProvider().diff("id", done, checked(news, version=NEWER)).changes


def test_a_pending_note_is_removed_with_the_change(fleet: FakeFleet) -> None:
    fleet.found[DEAD] = replace(
        fleet.found[DEAD], unreachable="", node=replace(_node(ready=True), pending=WORK)
    )
    before = checked({})
    state = {**before, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    up(state, checked(before, version=NEWER))
    node = fleet.found[DEAD].node
    assert node
    assert node.pending == ""


def test_a_worker_that_died_since_is_named_by_a_refresh_and_is_no_change(fleet: FakeFleet) -> None:
    del fleet
    news = checked({}, version=NEWER)
    state = {**news, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    read = RolloutProvider().read("id", state).outs or {}
    assert read["unavailable"][DEAD]["pending"] == ""
    same = {**read, "drift": {}}
    assert not RolloutProvider().diff("id", same, checked(news, version=NEWER)).changes


def test_a_worker_that_was_left_out_without_a_change_is_inspected_when_it_is_back(
    fleet: FakeFleet, log: Warnings
) -> None:
    fleet.found = alike(fleet.props)
    fleet.recorded = fleet.recorded.replace("v1.36.3", NEWER)
    fleet.found[DEAD] = replace(fleet.found[DEAD], unreachable="the connection was lost")
    news = checked({}, version=NEWER)
    state = RolloutProvider().create(news).outs or {}
    assert state["unavailable"][DEAD]["pending"] == ""

    fleet.found[DEAD] = replace(fleet.found[DEAD], unreachable="")
    done = up(state, checked(news, version=NEWER))
    assert done["unavailable"] == {}
    (line,) = (text for text in log.said if "tried again" in text)
    assert f"{DEAD}: unavailable since" in line
