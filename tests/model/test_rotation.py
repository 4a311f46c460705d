"""The phases of a rotation: what signs, what is trusted, and what is refused."""

import pytest

from model import rotation_phases
from model.pki.rotation import Half, Rotation
from model.rotation_phases import FINISH, NEXT, PHASES, PREPARE, SWITCH, Rotations, refusal

OLD, NEW = Half("old\n", "old key"), Half("new\n", "new key")
STABLE = Rotation("", OLD)


def after(*phases: str) -> Rotation:
    state = STABLE
    for phase in phases:
        assert not refusal(state.phase, phase)
        state = state.to(phase, lambda: NEW)
    return state


def test_the_predecessor_signs_until_the_switch() -> None:
    assert after(PREPARE) == Rotation(PREPARE, OLD, NEW)
    assert after(PREPARE, SWITCH) == Rotation(SWITCH, NEW, OLD)
    assert after(PREPARE, SWITCH, FINISH) == Rotation(FINISH, NEW)


def test_what_signs_comes_first_in_the_bundle() -> None:
    assert STABLE.bundle == "old\n"
    assert after(PREPARE).bundle == "old\nnew\n"
    assert after(PREPARE, SWITCH).bundle == "new\nold\n"
    assert after(PREPARE, SWITCH, FINISH).bundle == "new\n"


def test_the_removed_key_of_a_finished_rotation_changes_nothing() -> None:
    assert after(PREPARE, SWITCH, FINISH, "") == Rotation("", NEW)


def test_each_step_before_the_end_can_be_taken_back() -> None:
    assert after(PREPARE, "") == STABLE
    assert after(PREPARE, SWITCH, PREPARE) == Rotation(PREPARE, OLD, NEW)
    assert after(PREPARE, SWITCH, PREPARE, "") == STABLE


@pytest.mark.parametrize("phase", [PREPARE, SWITCH])
def test_a_phase_that_is_repeated_creates_nothing(phase: str) -> None:
    state = after(*PHASES[: PHASES.index(phase) + 1])

    def unexpected() -> Half:
        raise AssertionError("another successor")

    assert state.to(phase, unexpected) == state


def test_another_rotation_follows_a_finished_one() -> None:
    third = Half("third\n", "third key")
    state = after(PREPARE, SWITCH, FINISH).to(PREPARE, lambda: third)
    assert state == Rotation(PREPARE, NEW, third)


@pytest.mark.parametrize(
    ("recorded", "wanted", "reason"),
    [
        ("", SWITCH, "nothing is prepared"),
        (FINISH, SWITCH, "nothing is prepared"),
        ("", FINISH, "no rotation is under way"),
        (PREPARE, FINISH, "the predecessor still signs"),
        (SWITCH, "", "continue with `finish`, or take the change back"),
    ],
)
def test_a_step_that_leaves_one_out_is_refused(recorded: str, wanted: str, reason: str) -> None:
    assert reason in refusal(recorded, wanted)


def test_the_way_that_the_command_takes_is_never_refused() -> None:
    for phase, following in NEXT.items():
        assert not refusal(phase, following)


def test_phases_are_listed_by_the_names_of_the_command() -> None:
    found = Rotations(etcd_ca=PREPARE, service_account=FINISH)
    assert found.by_name == {"etcd-ca": PREPARE, "service-account": FINISH}
    assert Rotations().by_name == {}
    assert [*rotation_phases.NAMES] == ["ca", "etcd-ca", "front-proxy-ca", "service-account"]
