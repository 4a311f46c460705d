"""The table of actions: a new kind of change needs only a new row."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.rollout import actions, node_rows, version_rows
from ops.rollout.action_kind import Action, ActionKind
from ops.rollout.desired import DesiredMachine
from ops.rollout.diff import from_state, required_actions, to_state
from ops.rollout.observed import ObservedMachine
from tests.ops.rollout.examples import found, inputs, plan, wanted
from tests.ops.rollout.fakes import FakeFleet, alike, run

WORKER = "a-worker-1"
LEVEL = "patch-level"


def patch_level(observed: ObservedMachine, desired: DesiredMachine) -> Iterator[str]:
    level = observed.node.labels.get(LEVEL) if observed.node else None
    if level != desired.labels.get(LEVEL):
        yield f"its patch level is {level}"


PATCH = ActionKind(
    name="patch",
    reasons=patch_level,
    effect="packages updated, rebooted",
    doing="patching",
    run=lambda target: target.machine.run("patch"),
    undo=lambda target: target.machine.run("unpatch"),
    drains=True,
    restarts_services=True,
)


@pytest.fixture(autouse=True)
def another_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(actions.ACTIONS)
    rows.insert(rows.index(node_rows.REPAIR), PATCH)
    monkeypatch.setattr(actions, "ACTIONS", tuple(rows))


def patched_inputs() -> Any:
    """The inputs with another patch level for one worker."""
    props = inputs()
    props["machines"][WORKER]["labels"] = {LEVEL: "may"}
    return props


@pytest.fixture
def fleet() -> FakeFleet:
    """Machines of the inputs before that."""
    return FakeFleet(patched_inputs(), alike(inputs()))


def test_an_action_is_planned_with_its_drain() -> None:
    assert plan(inputs(), patched_inputs(), {}) == {
        WORKER: "its patch level is None: drained, packages updated, rebooted, uncordoned when "
        "Ready; label patch-level=may: in place"
    }


def test_an_action_is_required_in_its_order_and_kept_in_state() -> None:
    desired = wanted(WORKER, machines=patched_inputs()["machines"])
    left = required_actions(found(wanted(WORKER), cleanup_pending=True, bridge=""), desired)
    assert [each.kind for each in left] == [PATCH, node_rows.METADATA, version_rows.CLEANUP]
    assert from_state(to_state(left)) == left
    drift = {WORKER: to_state([Action(PATCH, "its patch level is april")])}
    assert plan(inputs(), inputs(), drift) == {
        WORKER: "repaired because its patch level is april: drained, packages updated, rebooted, "
        "uncordoned when Ready"
    }


def test_an_action_is_executed_on_a_drained_node(fleet: FakeFleet) -> None:
    assert run(fleet)
    assert fleet.of(WORKER) == [
        "cordon", "drain", "patch", "set_metadata", "uncordon", "record_applied",
    ]  # fmt: skip
    assert {name for _, name in fleet.calls} == {WORKER}
    assert f"{WORKER}: patching" in fleet.said


def test_node_is_drained_once_for_all_actions(fleet: FakeFleet) -> None:
    fleet.found[WORKER] = replace(
        fleet.found[WORKER],
        version="v1.35.9",
        applied=replace(fleet.found[WORKER].applied, version="v1.35.9"),
    )
    assert run(fleet)
    assert fleet.of(WORKER)[:4] == ["cordon", "drain", "upgrade_kubelet", "patch"]
    assert fleet.of(WORKER).count("drain") == 1


@pytest.mark.parametrize("failing", ["patch", "set_metadata", "record_applied"])
def test_an_action_is_undone_if_it_or_a_later_one_fails(fleet: FakeFleet, failing: str) -> None:
    fleet.failing[failing] = OperatorError(f"{WORKER}: {failing} failed")
    with pytest.raises(OperatorError, match=f"{failing} failed"):
        run(fleet)
    assert fleet.of(WORKER)[-2:] == [failing, "unpatch"]
    assert f"{WORKER}: patch was undone" in fleet.said


def test_actions_that_did_not_start_are_not_undone(fleet: FakeFleet) -> None:
    fleet.failing["drain"] = OperatorError("a pod stays")
    with pytest.raises(OperatorError, match="a pod stays"):
        run(fleet)
    assert fleet.of(WORKER) == ["cordon", "drain"]


def test_a_failed_undo_does_not_hide_the_cause(fleet: FakeFleet) -> None:
    fleet.failing = {"patch": OperatorError("no space"), "unpatch": OperatorError("no package")}
    with pytest.raises(OperatorError, match="no space"):
        run(fleet)
    assert f"{WORKER}: patch could not be undone: no package" in fleet.said


def test_rows_are_distinct_and_may_cover_others() -> None:
    names = [kind.name for kind in actions.ACTIONS]
    assert len(set(names)) == len(names)
    assert {name for kind in actions.ACTIONS for name in kind.covers} <= set(names)
