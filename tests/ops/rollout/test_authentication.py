"""The issuers of tokens: on control planes, without a restart, also while no API answers."""

from ops.rollout import file_rows
from tests.ops.rollout.examples import inputs, plan, with_parts
from tests.ops.rollout.fakes import FakeFleet, alike, run

PLANES = [f"a-control-plane-{number}" for number in range(3)]
CHANGED = with_parts("control-plane", authentication="i2")


def test_other_issuers_are_a_change_of_control_planes_that_restarts_nothing() -> None:
    sentence = "the issuers of tokens that it accepts changed: read again, nothing restarted"
    assert plan(inputs(), CHANGED, {}) == dict.fromkeys(PLANES, sentence)
    assert not file_rows.AUTHENTICATION.restarts_services


def test_control_planes_get_them_one_after_another() -> None:
    fleet = FakeFleet(CHANGED, alike(inputs()))
    assert run(fleet)
    assert [name for call, name in fleet.calls if call == "apply_files authentication"] == PLANES
    assert not run(fleet), "nothing is left to be done"


def test_a_file_that_api_servers_do_not_start_with_is_replaced_first() -> None:
    assert file_rows.AUTHENTICATION.restores_api
