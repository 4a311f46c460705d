"""Security updates in a rollout: whom they concern, their order, and what a killed run leaves."""

from dataclasses import replace
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.hosts.ssh_errors import ConnectionLost, Unreachable
from ops.rollout import patching, readiness, version_rows
from ops.rollout.diff import required_actions
from tests.ops.rollout.examples import found, inputs, plan, wanted
from tests.ops.rollout.fakes import FakeFleet, alike, run

FIRST, LATER = "20261126T214000Z", "20261203T080000Z"
PLANES = [f"a-control-plane-{n}" for n in range(3)]
WORKERS = [f"a-worker-{n}" for n in range(3)]
DONE = ["install_patches", "record_patched", "set_metadata", "uncordon", "record_applied"]
REBOOTED = [
    "stage_patches", "cordon", "drain", "install_patches", "boot_id", "reboot_machine", "boot_id",
    "record_patched", "set_metadata", "uncordon", "record_applied",
]  # fmt: skip
SENTENCE = (
    f"security updates as of {LATER}, if there are any: drained, installed, rebooted if the system "
    "asks for it, uncordoned when Ready"
)


def patched(time: str = LATER, **changes: Any) -> Any:
    """The inputs with a round."""
    return inputs(security_updates=time, **changes)


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> FakeFleet:
    """Machines that had an earlier round, all with updates, one of them with a kernel."""
    monkeypatch.setattr(readiness, "POLL_SECONDS", 0.01)
    fleet = FakeFleet(patched(), alike(patched(FIRST), patched=FIRST))
    fleet.pending = dict.fromkeys([*PLANES, *WORKERS], "openssl") | {WORKERS[0]: "kernel"}
    return fleet


def work(fleet: FakeFleet, name: str) -> list[str]:
    """What was called on the machine, without the look at its health."""
    return [call for call in fleet.of(name) if call != "await_health"]


def test_a_later_round_concerns_all_machines_and_an_earlier_or_no_one_none() -> None:
    assert plan(inputs(), patched(), {}) == dict.fromkeys([*PLANES, *WORKERS], SENTENCE)
    assert plan(patched(FIRST), patched(), {}) == plan(inputs(), patched(), {})
    for reverted in (patched(FIRST), inputs()):
        assert plan(patched(), reverted, {}) == {}
        cluster = wanted(security_updates=reverted["security_updates"])
        assert required_actions(found(cluster, patched=LATER), cluster) == []


def test_the_state_of_an_earlier_version_of_the_program_is_no_round() -> None:
    former = inputs()
    del former["security_updates"]
    assert plan(former, inputs(security_updates=""), {}) == {}


def test_the_only_control_plane_says_how_long_its_api_is_unavailable() -> None:
    name = PLANES[0]
    only = {name: inputs()["machines"][name]}
    ids = {name: f"id of {name}"}
    olds, news = (
        inputs(machines=only, machine_ids=ids, security_updates=time) for time in ("", LATER)
    )
    assert "(the API is unavailable for about 60 s)" in plan(olds, news, {})[name]


def test_machines_are_patched_in_turns_and_rebooted_only_if_they_ask(fleet: FakeFleet) -> None:
    assert run(fleet)
    for name in (*PLANES, *WORKERS[1:]):
        assert work(fleet, name) == ["stage_patches", "cordon", "drain", *DONE]
    assert work(fleet, WORKERS[0]) == REBOOTED
    order = [name for call, name in fleet.calls if call == "drain"]
    assert order[:3] == PLANES
    assert sorted(order[3:]) == WORKERS
    ends = [index for index, call in enumerate(fleet.calls) if call[0] == "record_applied"]
    begins = [index for index, call in enumerate(fleet.calls) if call[0] == "drain"]
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))
    assert {each.patched for each in fleet.found.values()} == {LATER}
    assert not run(fleet)


def test_other_control_planes_are_healthy_before_and_the_patched_one_after(
    fleet: FakeFleet,
) -> None:
    run(fleet)
    calls = [each for each in fleet.calls if each[0] in ("await_health", "drain")]
    for plane in PLANES:
        turn = calls.index(("drain", plane))
        before = {name for call, name in calls[max(0, turn - 2) : turn] if call == "await_health"}
        assert before == {*PLANES} - {plane}
        assert calls[turn + 1] == ("await_health", plane)


def test_a_machine_without_updates_is_neither_drained_nor_rebooted(fleet: FakeFleet) -> None:
    del fleet.pending[PLANES[1]]
    assert run(fleet)
    assert work(fleet, PLANES[1]) == ["stage_patches", *DONE]
    assert fleet.found[PLANES[1]].patched == LATER


def test_a_reboot_that_was_required_before_is_made_up_for(fleet: FakeFleet) -> None:
    fleet.pending = {}
    fleet.reboot_required = {PLANES[2]}
    assert run(fleet)
    assert work(fleet, PLANES[2]) == REBOOTED
    assert fleet.called("drain") == [PLANES[2]]


def test_a_failing_machine_stops_the_others_and_is_left_cordoned_for_the_next_run(
    fleet: FakeFleet,
) -> None:
    fleet.failing["install_patches"] = OperatorError("dpkg failed")
    with pytest.raises(OperatorError, match="dpkg failed"):
        run(fleet)
    assert fleet.called("drain") == [PLANES[0]]
    assert fleet.found[PLANES[0]].node.cordoned  # type: ignore[union-attr]
    fleet.failing = {}
    assert run(fleet)
    assert not any(each.node and each.node.cordoned for each in fleet.found.values())


@pytest.mark.parametrize("moment", ["install_patches", "reboot_machine", "record_patched"])
def test_a_killed_run_is_resumed_and_does_nothing_twice(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def kill(what: str) -> None:
        if what == moment and WORKERS[0] in fleet.called("stage_patches"):
            raise KeyboardInterrupt

    monkeypatch.setattr(fleet, "point", kill)
    with pytest.raises(KeyboardInterrupt):
        run(fleet)
    monkeypatch.undo()
    fleet.calls.clear()
    assert run(fleet)
    assert fleet.called("stage_patches") == WORKERS, "the control planes have it"
    assert fleet.boots == {WORKERS[0]: 1}
    assert (WORKERS[0] in fleet.called("drain")) == (moment != "record_patched")
    assert [said for said in fleet.said if "updated: kernel" in said] == [
        f"{WORKERS[0]}: updated: kernel 2"
    ]
    assert not any(each.node and each.node.cordoned for each in fleet.found.values())


def test_a_connection_that_the_reboot_cuts_is_no_failure(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.pending = {WORKERS[0]: "kernel"}
    monkeypatch.setattr(patching, "REBOOT_SECONDS", 0.2)
    fleet.failing["reboot_machine"] = ConnectionLost("cut")
    with pytest.raises(OperatorError, match=r"does not answer 0.2 s after its reboot \(it has not"):
        run(fleet)
    assert fleet.found[WORKERS[0]].patched == FIRST


def test_a_machine_that_does_not_come_back_is_named_with_what_to_do(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.pending = {WORKERS[0]: "kernel"}
    monkeypatch.setattr(patching, "REBOOT_SECONDS", 0.2)

    def silent(what: str) -> None:
        if what == "boot_id" and fleet.boots:
            raise Unreachable("no route to host")

    monkeypatch.setattr(fleet, "point", silent)
    with pytest.raises(
        OperatorError, match=r"no route to host.*Look at its console, start it, and"
    ):
        run(fleet)
    assert "drain" not in [call for call, name in fleet.calls if name in WORKERS[1:]]


def test_a_stale_status_of_the_node_is_not_taken_for_its_own(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API says Ready for a while after the Node is gone."""
    fleet.pending = {WORKERS[0]: "kernel"}
    monkeypatch.setattr(readiness, "READY_SECONDS", 0.2)
    fleet.stale_nodes = {WORKERS[0]}
    with pytest.raises(OperatorError, match="still reported as before its reboot"):
        run(fleet)


def test_pods_that_were_ready_are_waited_for(
    fleet: FakeFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.pending = {WORKERS[0]: "kernel"}
    fleet.late_pods[WORKERS[0]] = 3
    assert run(fleet)
    fleet.props["security_updates"] = "20270101T000000Z"
    fleet.pending = {WORKERS[0]: "kernel"}
    fleet.late_pods[WORKERS[0]] = 10**9
    monkeypatch.setattr(readiness, "READY_SECONDS", 0.2)
    with pytest.raises(OperatorError, match="not Ready again on a-worker-0: kube-system/flannel"):
        run(fleet)


def test_a_cluster_with_a_node_that_is_not_ready_is_not_begun(fleet: FakeFleet) -> None:
    name = WORKERS[2]
    healthy = fleet.found[name]
    assert healthy.node
    unready = replace(healthy.node, ready=False)
    fleet.found[name] = replace(healthy, node=unready)
    with pytest.raises(OperatorError, match=f"{name}: its Node is not Ready.*No machine was"):
        run(fleet)
    assert fleet.calls == []
    refusal = version_rows.SECURITY_UPDATES.refusal
    assert refusal
    machine = wanted(name, security_updates=LATER)
    explained = {
        "an earlier attempt": replace(healthy, node=replace(unready, cordoned=True)),
        "drift": replace(healthy, node=unready, services={"kubelet": "failed"}),
        "certificates": replace(healthy, node=unready, invalid_certificates={"kubelet-client": ""}),
        "long lost": replace(
            healthy, node=replace(unready, ready_since="2026-01-01T00:00:00+00:00")
        ),
    }
    assert {why for why, each in explained.items() if refusal(each, machine)} == set()


def test_an_incomplete_answer_is_not_taken_for_no_updates(fleet: FakeFleet) -> None:
    from ops.hosts.patches import PatchReport

    with pytest.raises(OperatorError, match="incomplete"):
        PatchReport.parse(["update\ta 1 2"])
    with pytest.raises(OperatorError, match="incomplete"):
        PatchReport.parse([])
