"""A held rollout changes no machine, and its change stays pending."""

from typing import Any

import pytest
from pulumi.output import UNKNOWN

from components.providers import rollout, rollout_work
from components.providers.hold import STOPPED
from components.providers.rollout import RolloutProvider
from ops.errors import OperatorError
from ops.rollout.desired import DesiredCluster
from tests.ops.rollout.examples import inputs

SOON = {"until": "2999-01-01T00:00:00+00:00", "for": ["canary"]}
LATER = {"until": "2999-01-02T00:00:00+00:00", "for": ["other"]}


class Engine:
    """What the engine does to a rollout that exists: it keeps its inputs and its outputs."""

    def __init__(self) -> None:
        self.inputs = RolloutProvider().check({}, inputs()).inputs
        self.outputs = {
            **self.inputs,
            "found": {},
            "rolled": "before",
            "drift": {},
            "unavailable": {},
        }

    def changes(self, news: dict[str, Any]) -> bool | None:
        """Whether a preview shows a change."""
        checked = RolloutProvider().check(self.inputs, news).inputs
        return RolloutProvider().diff("id", self.outputs, checked).changes

    def up(self, news: dict[str, Any]) -> None:
        checked = RolloutProvider().check(self.inputs, news).inputs
        if RolloutProvider().diff("id", self.outputs, checked).changes:
            self.outputs = RolloutProvider().update("id", self.outputs, checked).outs or {}
        self.inputs = checked


@pytest.fixture
def rolled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were rolled out."""
    versions: list[str] = []

    def roll(props: dict[str, Any], *_: object) -> dict[str, Any]:
        versions.append(props["version"])
        return {**props, "found": {}, "rolled": "now", "drift": {}, "unavailable": {}}

    monkeypatch.setattr(rollout, "_roll", roll)
    return versions


def test_a_held_change_waits_until_it_is_released(
    rolled: list[str],
) -> None:
    engine = Engine()
    held = inputs(version="v1.36.4", held_by=[SOON])
    for _ in range(2):
        assert engine.changes(held)
        engine.up(held)
        assert rolled == []
        assert engine.outputs["waiting"] == SOON
        assert engine.outputs["version"] == engine.inputs["version"] == "v1.36.3"
        assert engine.outputs["rolled"] == "before"
        assert "upgraded from v1.36.3 to v1.36.4" in engine.outputs["plan"]["a-worker-0"]
    released = inputs(version="v1.36.4", held_by=[{}])
    assert engine.changes(released)
    engine.up(released)
    assert rolled == ["v1.36.4"]
    assert engine.outputs["waiting"] == {}
    assert not engine.changes(released)


def test_a_held_change_is_judged_by_everything_that_describes_a_machine() -> None:
    given = {"security_updates": "2999-01-01T00:00:00Z", "plugin": "canal", "supplements": ["b"]}
    news = inputs(version="v1.36.4", held_by=[SOON], **given)
    checked: Any = RolloutProvider().check(Engine().inputs, news).inputs
    assert checked["waiting"]
    judged = DesiredCluster.of(rollout_work.judged(checked))
    assert judged.machines == DesiredCluster.of(news).machines


@pytest.mark.parametrize(
    "change", [{"plugin": "canal"}, {"supplements": ["calico", "metrics-server"]}]
)
def test_what_connects_pods_or_is_sent_to_machines_is_a_change(
    rolled: list[str], change: dict[str, Any]
) -> None:
    engine = Engine()
    held = inputs(held_by=[SOON], **change)
    assert engine.changes(inputs(held_by=[{}], **change))
    engine.up(held)
    assert rolled == []
    engine.up(inputs(held_by=[{}], **change))
    assert rolled == ["v1.36.3"]
    assert not engine.changes(inputs(held_by=[{}], **change))


def test_drift_of_a_held_cluster_waits(rolled: list[str]) -> None:
    engine = Engine()
    drift = {"a-worker-0": [{"kind": "repair", "why": "it broke"}]}
    engine.inputs = {**engine.inputs, "drift": drift}
    engine.outputs = {**engine.outputs, "drift": drift}
    engine.up(inputs(held_by=[SOON]))
    assert rolled == []
    engine.up(inputs(held_by=[{}]))
    assert rolled == ["v1.36.3"]


def test_a_reverted_change_no_longer_waits(rolled: list[str]) -> None:
    engine = Engine()
    engine.up(inputs(version="v1.36.4", held_by=[SOON]))
    engine.up(inputs(held_by=[SOON]))
    assert rolled == []
    assert engine.outputs["waiting"] == {}
    assert not engine.changes(inputs(held_by=[SOON]))


def test_after_an_earlier_wave_failed_nothing_is_changed_or_recorded(rolled: list[str]) -> None:
    engine = Engine()
    drift = {"a-worker-0": [{"kind": "repair", "why": "it broke"}]}
    engine.inputs = {**engine.inputs, "drift": drift}
    engine.outputs = {**engine.outputs, "drift": drift}
    for version in ("v1.36.3", "v1.36.4"):
        stopped = inputs(version=version, held_by=[{}, STOPPED, SOON])
        assert not engine.changes(stopped)
        engine.up(stopped)
        assert engine.outputs["version"] == engine.inputs["version"] == "v1.36.3"
        assert engine.outputs["waiting"] == {}
    assert rolled == []
    engine.up(inputs(version="v1.36.4", held_by=[{}]))
    assert rolled == ["v1.36.4"]


def test_without_a_change_nothing_waits() -> None:
    assert not Engine().changes(inputs(held_by=[SOON]))


def test_machines_may_join_and_leave_meanwhile(rolled: list[str]) -> None:
    engine = Engine()
    news = inputs(held_by=[SOON])
    for key in ("machines", "machine_ids", "logins"):
        news[key]["a-worker-9"] = news[key].pop("a-worker-2")
    engine.up(news)
    assert rolled == ["v1.36.3"]
    assert engine.outputs["waiting"] == {}


def test_a_new_cluster_does_not_wait() -> None:
    checked = RolloutProvider().check({}, inputs(held_by=[SOON])).inputs
    assert checked["waiting"] == {}
    assert checked["plan"] == {}
    assert checked["version"] == "v1.36.3"


def test_unsafe_changes_are_rejected_before_they_wait() -> None:
    with pytest.raises(OperatorError, match="cluster a"):
        Engine().changes(inputs(version="v1.36.2", held_by=[SOON]))


def test_the_longest_hold_counts_and_unknown_ones_do_not() -> None:
    def waiting(*held_by: Any) -> Any:
        news = inputs(version="v1.36.4", held_by=list(held_by))
        return RolloutProvider().check(Engine().inputs, news).inputs["waiting"]

    assert waiting(LATER, SOON, {}) == LATER
    assert waiting(UNKNOWN, SOON) == SOON
    assert waiting(UNKNOWN, {}) == {}
