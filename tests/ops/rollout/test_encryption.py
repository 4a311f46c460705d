"""What encrypts Secrets: on every control plane in turn, then all Secrets are written again."""

from dataclasses import replace
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.rollout import encryption_rows, file_rows
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from ops.rollout.guards import reject_unsafe
from tests.ops.rollout.examples import WRITER, found, inputs, plan, wanted, with_parts
from tests.ops.rollout.fakes import FakeFleet, alike, run

PLANES = [f"a-control-plane-{number}" for number in range(3)]


def encryption(provider: str, plugin: str = "") -> dict[str, Any]:
    writers = {"secretbox": WRITER, "kms": f"kms {plugin}", "none": "none"}
    return {
        "encryption": {"provider": provider, "plugin": plugin},
        "secrets_digest": f"{provider} {plugin}",
        "writer": writers[provider],
    }


NONE = encryption("none")


def test_a_preview_says_what_encrypts_secrets_instead() -> None:
    sentence = (
        "Secrets are encrypted by none instead of secretbox: its API server restarted if it uses a "
        "changed one, one machine at a time"
    )
    assert plan(inputs(), inputs(**NONE), {}) == dict.fromkeys(PLANES, sentence)


def test_all_api_servers_change_before_secrets_are_written_again() -> None:
    fleet = FakeFleet(inputs(**NONE), alike(inputs()))
    assert run(fleet)
    calls = [
        call for call, _ in fleet.calls if call in ("apply_api_server_secrets", "rewrite_secrets")
    ]
    assert calls == ["apply_api_server_secrets"] * 3 + ["rewrite_secrets"]
    assert fleet.writer == "none"
    assert not run(fleet), "nothing is left to be done"


def test_a_new_cluster_has_nothing_to_write_again() -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    assert not run(fleet)


@pytest.mark.parametrize("writer", ["", "none", f"none, {WRITER}"])
def test_secrets_of_an_unknown_or_another_writer_are_written_again(writer: str) -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    fleet.writer = writer
    assert run(fleet)
    assert [call for call, _ in fleet.calls] == ["rewrite_secrets"]
    assert fleet.writer == WRITER


def test_a_change_that_failed_and_was_reverted_leaves_no_secret_behind() -> None:
    """The first API server wrote otherwise for a while."""
    fleet = FakeFleet(inputs(**NONE), alike(inputs()))
    fleet.failing["record_applied"] = OperatorError("it is not ready")
    with pytest.raises(OperatorError, match="it is not ready"):
        run(fleet)
    assert fleet.writer == f"{WRITER}, none"
    fleet.failing.clear()
    fleet.props = inputs()
    assert run(fleet)
    assert fleet.writer == WRITER
    assert "rewrite_secrets" in [call for call, _ in fleet.calls]


def test_lost_secret_files_are_restored_and_workers_have_none() -> None:
    plane = wanted(PLANES[0])
    (action,) = required_actions(found(plane, secrets="missing"), plane)
    assert (action.kind, action.why) == (
        encryption_rows.API_SERVER_SECRETS,
        "the secret files of its API server are missing",
    )
    worker = wanted("a-worker-0")
    assert required_actions(found(worker, secrets="missing"), worker) == []


def test_an_api_server_that_stopped_for_want_of_the_file_gets_it_first() -> None:
    like = alike(inputs())
    like[PLANES[1]] = replace(like[PLANES[1]], secrets="missing")
    assert encryption_rows.API_SERVER_SECRETS.restores_api
    fleet = FakeFleet(inputs(), like)
    assert run(fleet)
    assert fleet.called("apply_api_server_secrets") == [PLANES[1]]
    assert fleet.writer == WRITER


KNOWN = encryption("secretbox", "vault")
STEPS = {
    "to a plugin that is not known": (encryption("secretbox"), encryption("kms", "vault"), "yet"),
    "to another plugin": (KNOWN, encryption("kms", "other"), "cannot encrypt Secrets yet"),
    "away from a plugin at once": (
        encryption("kms", "vault"),
        encryption("secretbox"),
        "no API server could read without it",
    ),
    "from one plugin to another": (
        encryption("kms", "vault"),
        encryption("kms", "other"),
        "no API server could read without it",
    ),
}
SAFE = {
    "a plugin becomes known": (encryption("secretbox"), KNOWN),
    "a known plugin writes": (KNOWN, encryption("kms", "vault")),
    "it only reads": (encryption("kms", "vault"), KNOWN),
    "it is gone": (KNOWN, encryption("secretbox")),
    "no encryption": (encryption("secretbox"), NONE),
    "encryption again": (NONE, encryption("secretbox")),
}


def check(before: dict[str, Any], after: dict[str, Any]) -> None:
    reject_unsafe(ClusterChange.of(inputs(**before), inputs(**after)), {}, "")


@pytest.mark.parametrize("step", STEPS)
def test_a_step_after_which_secrets_cannot_be_read_is_rejected(step: str) -> None:
    before, after, says = STEPS[step]
    with pytest.raises(OperatorError, match=says):
        check(before, after)


@pytest.mark.parametrize("step", SAFE)
def test_a_safe_step_is_accepted(step: str) -> None:
    check(*SAFE[step])


def test_a_plugin_that_a_failed_run_had_write_is_kept() -> None:
    """The engine compares with the last run that succeeded, in which it did not write yet."""
    fleet = FakeFleet(inputs(), alike(inputs()))
    fleet.writer = f"{WRITER}, kms vault"
    with pytest.raises(OperatorError, match="the plugin vault has encrypted Secrets"):
        run(fleet)
    assert fleet.calls == []


def test_changed_files_of_components_restart_them_in_turn() -> None:
    changed = with_parts("control-plane", components="n2")
    fleet = FakeFleet(changed, alike(inputs()))
    assert run(fleet)
    assert [name for call, name in fleet.calls if call == "apply_files components"] == PLANES
    assert fleet.called("await_health")
    assert file_rows.COMPONENTS.restarts_services


def test_the_digest_of_a_rollout_is_that_of_what_encrypts() -> None:
    assert DesiredCluster.of(inputs()).digest != DesiredCluster.of(inputs(**NONE)).digest
