"""The resource that has the keys for Secrets, as the engine calls it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from components.providers.encryption_keys import EncryptionKeysProvider
from model.encryption_keys import KEPT
from model.rotation_phases import FINISH, PHASES, PREPARE, SWITCH
from ops.errors import OperatorError

PROVIDER = EncryptionKeysProvider()


def inputs(phase: str) -> dict[str, Any]:
    return {"cluster": "one", "resource": "one-encryption", "phase": phase}


def states(*phases: str) -> list[dict[str, Any]]:
    """Return the state at first, and in each of these phases."""
    found = [PROVIDER.create(PROVIDER.check({}, inputs("")).inputs).outs or {}]
    for phase in phases:
        found.append(step(found[-1], phase))
    return found


def step(state: dict[str, Any], phase: str) -> dict[str, Any]:
    """Apply a phase as the engine does."""
    news = PROVIDER.check(state, inputs(phase)).inputs
    if not PROVIDER.diff("id", state, news).changes:
        return state
    return PROVIDER.update("id", state, news).outs or {}


def names(state: dict[str, Any]) -> list[str]:
    return [key["name"] for key in state["keys"]]


def test_each_phase_is_an_update_and_its_number_changes_with_the_keys() -> None:
    found = states(*PHASES, "", PREPARE, "", PREPARE, SWITCH, PREPARE)
    assert [state["number"] for state in found] == [1, 2, 3, 3, 3, 4, 4, 5, 6, 7]
    assert names(found[3])[1:] == names(found[0])


def test_the_removed_phase_of_a_finished_rotation_is_no_change() -> None:
    finished = states(*PHASES)[-1]
    assert step(finished, "") is finished


def test_a_former_key_is_dropped_when_no_snapshot_needs_it() -> None:
    finished = states(*PHASES)[-1]
    long_ago = datetime.fromisoformat(finished["former"][0]) - KEPT - timedelta(days=1)
    finished["former"] = [long_ago.isoformat()]
    switched = step(step(finished, PREPARE), SWITCH)
    assert len(switched["keys"]) == 3
    ended = step(switched, FINISH)
    assert names(ended) == names(switched)[:2]
    assert ended["number"] == switched["number"] + 1
    assert len(ended["former"]) == 1


@pytest.mark.parametrize(
    ("phases", "wanted", "reason"),
    [
        ((), SWITCH, "begin with `prepare`"),
        ((), FINISH, "begin with `prepare`"),
        ((PREPARE,), FINISH, "`switch` comes before `finish`"),
        ((PREPARE, SWITCH), "", "continue with `finish`"),
        (PHASES, SWITCH, "begin with `prepare`"),
    ],
)
def test_a_phase_that_is_left_out_is_refused_in_the_preview(
    phases: tuple[str, ...], wanted: str, reason: str
) -> None:
    state = states(*phases)[-1]
    with pytest.raises(OperatorError, match=f"the rotation of one-encryption .*{reason}"):
        step(state, wanted)


@pytest.mark.parametrize("phase", [PREPARE, SWITCH])
def test_what_is_created_has_no_rotation_under_way(phase: str) -> None:
    with pytest.raises(OperatorError, match="created in this run"):
        PROVIDER.check({}, inputs(phase))
    PROVIDER.check({}, inputs(FINISH))
