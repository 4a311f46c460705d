"""Unavailable workers are left out of a rollout, which changes all others."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.rollout import unavailable, workers
from ops.rollout.concurrency import run_bounded
from ops.rollout.desired import DesiredCluster
from ops.rollout.node_operations import PATIENCE_SECONDS
from ops.rollout.order import RolloutRun
from ops.rollout.progress import Progress
from ops.rollout.run_state import RunState
from tests.ops.rollout.examples import inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, limits_of, machines_of

NEWER = "v1.36.4"
DEAD = "a-worker-1"
SILENT = "no route to host"


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")


def upgrade(**policy: Any) -> FakeFleet:
    """A fleet that is to be upgraded."""
    props = inputs(version=NEWER)
    props["policy"] |= policy
    return FakeFleet(props, alike(inputs(), staged=(NEWER,)))


def lose(fleet: FakeFleet, name: str, *, seconds: float = 3600, **changes: Any) -> None:
    """Let the machine's Node be not Ready for this long."""
    now = fleet.found[name]
    assert now.node
    node = replace(now.node, ready=False, ready_since=ago(seconds))
    fleet.found[name] = replace(now, node=node, **changes)


def rollout(fleet: FakeFleet) -> RunState:
    made = RolloutRun(
        DesiredCluster.of(fleet.props),
        machines_of(fleet),
        FakeNodes(fleet),
        Progress(fleet.log),
        limits=limits_of(fleet.props["policy"]),
    )
    made.run()
    return made.state


@pytest.mark.parametrize("is_node_ready", [True, False])
def test_an_unreachable_worker_does_not_stop_the_others(is_node_ready: bool) -> None:
    fleet = upgrade()
    lose(fleet, DEAD, unreachable=SILENT)
    if is_node_ready:
        fleet.found[DEAD] = replace(alike(inputs())[DEAD], unreachable=SILENT)
    run = rollout(fleet)
    assert run.skipped == {DEAD: f"unreachable: {SILENT}"}
    assert fleet.called("upgrade_kubelet") == ["a-worker-0", "a-worker-2"]
    assert fleet.of(DEAD) == []
    assert fleet.patience[DEAD] == [PATIENCE_SECONDS, 0]
    assert fleet.patience["a-worker-0"] == [PATIENCE_SECONDS] * 2
    fleet.found[DEAD] = alike(inputs())[DEAD]
    run = rollout(fleet)
    assert run.skipped == {}
    assert "upgrade_kubelet" in fleet.of(DEAD)


def test_a_worker_that_is_no_longer_a_member_is_left_out() -> None:
    fleet = upgrade()
    fleet.found[DEAD] = replace(fleet.found[DEAD], is_member=False)
    run = rollout(fleet)
    assert list(run.skipped) == [DEAD]
    assert fleet.of(DEAD) == []


@pytest.mark.parametrize("change", [{"unreachable": SILENT}, {"is_member": False}])
def test_a_control_plane_must_be_known(change: dict[str, Any]) -> None:
    fleet = upgrade()
    fleet.found["a-control-plane-1"] = replace(fleet.found["a-control-plane-1"], **change)
    with pytest.raises(OperatorError, match=r"a-control-plane-1 is .*Nothing was changed"):
        rollout(fleet)
    assert fleet.calls == []


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many unready, then how many ready workers were changed at a time."""
    limits: list[int] = []

    def bounded(
        groups: Mapping[str, Any], limit: Callable[[str], int], work: Callable[[Any], None]
    ) -> None:
        limits.extend(map(limit, groups))
        run_bounded(groups, limit, work)

    monkeypatch.setattr(workers, "run_bounded", bounded)
    return limits


@pytest.mark.parametrize(("limit", "left"), [(1, 1), (2, 1), (3, 2)])
def test_unavailable_workers_count_but_one_is_always_changed(
    places: list[int], limit: int, left: int
) -> None:
    fleet = upgrade(max_unavailable=limit)
    lose(fleet, DEAD, unreachable=SILENT)
    rollout(fleet)
    assert places == [left]


def test_a_worker_that_is_fixed_in_its_turn_takes_no_place(places: list[int]) -> None:
    class Returning(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if (call, name) == ("upgrade_kubelet", DEAD):
                self.registering[name] = alike(inputs())[name].node

    fleet = upgrade(max_unavailable=2)
    fleet.__class__ = Returning
    lose(fleet, DEAD)
    assert rollout(fleet).skipped == {}
    assert places == [2, 2]


def test_what_fails_on_a_lost_worker_does_not_stop_the_others() -> None:
    class Failing(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if (call, name) == ("upgrade_kubelet", DEAD):
                raise OperatorError("no space left on device")

    fleet = upgrade()
    fleet.__class__ = Failing
    lose(fleet, DEAD)
    run = rollout(fleet)
    assert "no space left on device" in run.skipped[DEAD]
    assert run.pending[DEAD] == f"the kubelet is v1.36.3 instead of {NEWER}"
    assert fleet.called("upgrade_kubelet") == ["a-worker-0", "a-worker-1", "a-worker-2"]
    assert fleet.calls[-1] != ("upgrade_kubelet", DEAD)


def test_what_fails_on_a_worker_that_just_became_unready_stops_the_run() -> None:
    """The same change may have done that to it."""
    fleet = upgrade()
    lose(fleet, DEAD, seconds=60)
    fleet.failing["upgrade_kubelet"] = OperatorError("the kubelet does not start")
    with pytest.raises(OperatorError, match="does not start"):
        rollout(fleet)
    assert fleet.called("upgrade_kubelet") == [DEAD]


@pytest.mark.parametrize("changes", [False, True])
def test_a_lost_worker_that_needs_no_change_is_left_out(changes: bool) -> None:
    props = inputs(version=NEWER)
    fleet = FakeFleet(props, alike(props))
    if changes:
        fleet.found["a-worker-0"] = alike(inputs(), staged=(NEWER,))["a-worker-0"]
    fleet.recorded = fleet.recorded.replace("v1.36.3", NEWER)
    lose(fleet, DEAD)
    assert rollout(fleet).skipped == {DEAD: "its Node is not Ready"}
    lose(fleet, DEAD, seconds=60)
    assert rollout(fleet).skipped == {}, "it may just have joined"


def test_an_entry_keeps_its_time_and_its_change_until_the_machine_is_back() -> None:
    fleet = upgrade()
    lose(fleet, DEAD, unreachable=SILENT)
    reasons = {DEAD: f"unreachable: {SILENT}"}
    first = unavailable.entries(reasons, fleet.found, {DEAD: "upgraded"}, {})
    node = fleet.found[DEAD].node
    assert node
    assert first[DEAD]["since"] == node.ready_since
    lose(fleet, DEAD, unreachable=SILENT, seconds=0)
    names = ["a-worker-0", DEAD]
    assert unavailable.still(first, fleet.found, names) == reasons
    assert unavailable.entries(reasons, fleet.found, {}, first) == first
    fleet.found[DEAD] = alike(inputs())[DEAD]
    assert unavailable.still(first, fleet.found, names) == {}


def test_a_worker_that_dies_while_others_have_their_turns_is_left_out_and_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The turns of a large cluster take hours."""
    monkeypatch.setattr(workers, "REACHED_SECONDS", -1)
    limits: list[int] = []

    def bounded(
        groups: Mapping[str, Any], limit: Callable[[str], int], work: Callable[[Any], None]
    ) -> None:
        for group, changes in groups.items():
            for change in changes:
                limits.append(limit(group))
                work(change)

    class Dying(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if (call, name) == ("drain", "a-worker-0"):
                lose(self, DEAD, seconds=60)
                self.silent = {DEAD}

    monkeypatch.setattr(workers, "run_bounded", bounded)
    fleet = upgrade(max_unavailable=2)
    fleet.__class__ = Dying
    state = rollout(fleet)
    assert state.skipped == {DEAD: f"unreachable: {SILENT}"}
    assert state.pending == {DEAD: f"the kubelet is v1.36.3 instead of {NEWER}"}
    assert fleet.called("upgrade_kubelet") == ["a-worker-0", "a-worker-2"]
    assert limits == [2, 2, 1]
