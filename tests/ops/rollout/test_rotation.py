"""A rotation of the cluster's CA on a cluster's machines, phase after phase."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from model.load import load
from model.pki import leaves
from model.render import kubeadm
from model.rotation_phases import FINISH, PREPARE, SWITCH, config_key
from ops import interruption
from ops.errors import OperatorError
from ops.interruption import Interrupted
from ops.kube.trust_holders import OWN, Holders
from ops.rollout import readiness, rotation_triggers
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster
from ops.rollout.rotation_guards import (
    SETTLING,
    TOKENS,
    reject_early,
    reject_holders,
    reject_rotation,
    reject_tokens,
    seconds_to_settle,
)
from tests.components.conftest import stack_config
from tests.ops.rollout.examples import ISSUER, found, inputs, plan
from tests.ops.rollout.fakes import FakeFleet, alike, run

NEW = "ff00"
PLANES = [f"a-control-plane-{number}" for number in range(3)]
WORKERS = [f"a-worker-{number}" for number in range(3)]
# What ends the turn of a machine that has had its last action.
ENDING = {"uncordon", "set_metadata", "record_applied", "await_health"}
SIGNERS = {"etcd-ca": "e1", "front-proxy-ca": "p1"}


def phase(name: str) -> Any:
    """The rollout's inputs in a phase of the rotation of the cluster's CA."""
    issuer = {"": ISSUER, PREPARE: ISSUER}.get(name, NEW)
    chain = leaves.CROSS_SIGNED if name == SWITCH else ""
    return inputs(
        rotations={"ca": name} if name else {},
        trusted={"control-plane": f"t-{name}", "worker": f"w-{name}"},
        signers={"ca": issuer + chain, **SIGNERS},
        issuer_key=issuer,
    )


def rotated(before: str, after: str) -> FakeFleet:
    """Bring a fleet from a phase to another one; nothing is left then."""
    fleet = FakeFleet(phase(after), alike(phase(before)))
    assert run(fleet)
    assert not run(fleet), "something is left"
    return fleet


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", 0)


def test_a_successor_is_brought_to_all_machines_and_nothing_else_happens() -> None:
    fleet = rotated("", PREPARE)
    assert fleet.called("apply_trust") == PLANES
    assert fleet.called("apply_worker_trust") == WORKERS
    changes = {call for call, _ in fleet.calls}
    assert changes == {"apply_trust", "apply_worker_trust"}


def test_all_machines_trust_before_anything_is_issued() -> None:
    fleet = rotated(PREPARE, SWITCH)
    calls = [call for call, _ in fleet.calls if call != "record_applied"]
    assert set(calls[:6]) == {"apply_trust", "apply_worker_trust"}
    assert not {*calls[6:]} & {*calls[:6]}
    assert fleet.called("renew_former_leaves") == PLANES
    assert fleet.called("rotate_kubelet") == [*PLANES, *WORKERS]
    assert not {"drain", "cordon"} & {*calls}


def test_a_control_plane_renews_the_leaves_of_that_ca_alone() -> None:
    fleet = FakeFleet(phase(SWITCH), alike(phase(PREPARE)))
    assert run(fleet)
    issuers = fleet.found[PLANES[0]].issuers
    assert issuers["apiserver"] == f"{NEW}{leaves.CROSS_SIGNED}"
    assert issuers["admin.conf"] == issuers["kubelet-client"] == NEW
    assert issuers["etcd-server"] == "e1"


def test_kubelets_forget_the_predecessor_at_the_end_and_leaves_are_shown_without_it() -> None:
    fleet = rotated(SWITCH, FINISH)
    assert fleet.called("reread_trust") == fleet.called("renew_serving") == [*PLANES, *WORKERS]
    assert fleet.called("renew_former_leaves") == PLANES
    assert fleet.called("rotate_kubelet") == []


def test_the_removed_key_of_a_finished_rotation_is_no_change() -> None:
    before = phase(FINISH)
    after = {**before, "rotations": {}}
    assert plan(before, after, {}) == {}
    assert not run(FakeFleet(after, alike(before)))


@pytest.mark.parametrize("before", [PREPARE, SWITCH])
def test_a_step_is_taken_back(before: str) -> None:
    fleet = rotated(before, {PREPARE: "", SWITCH: PREPARE}[before])
    assert fleet.called("apply_trust") == PLANES
    assert bool(fleet.called("renew_former_leaves")) == (before == SWITCH)


def test_only_kubelets_that_know_the_successor_forget_it_when_it_is_taken_back() -> None:
    fleet = rotated("", PREPARE)
    restarted = WORKERS[0]
    fleet.found[restarted] = replace(fleet.found[restarted], kubelet_ca=f"w-{PREPARE}")
    fleet.props = phase("")
    assert run(fleet)
    assert fleet.called("reread_trust") == [restarted]
    shown = plan(phase(PREPARE), phase(""), {})[restarted]
    assert "the kubelet is to forget the successor, if it has started since `prepare`" in shown


@pytest.mark.parametrize(("before", "after"), [("", PREPARE), (PREPARE, SWITCH), (SWITCH, FINISH)])
def test_a_killed_phase_is_resumed(
    before: str, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed at each of its calls once."""
    calls = len(rotated(before, after).calls)
    for number in range(calls):
        fleet = FakeFleet(phase(after), alike(phase(before)))
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(fleet, "call", _killed_at(fleet, number))
            run(fleet)
        run(fleet)
        assert not run(fleet), f"something is left after call {number}"
        assert {found.trust for found in fleet.found.values()} == {f"t-{after}", f"w-{after}"}


@pytest.mark.parametrize(("before", "after"), [("", PREPARE), (PREPARE, SWITCH), (SWITCH, FINISH)])
def test_an_interrupted_phase_stops_before_its_next_action_and_is_resumed(
    before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is interrupted at each of its calls once; what runs on several machines ends on all."""
    calls, stopped = len(rotated(before, after).calls), 0
    for number in range(calls):
        file = tmp_path / str(number)
        monkeypatch.setenv(interruption.VARIABLE, str(file))
        fleet = FakeFleet(phase(after), alike(phase(before)))
        monkeypatch.setattr(fleet, "call", _interrupted_at(fleet, number, file))
        with suppress(Interrupted):
            run(fleet)
        last, *later = (call.replace("worker_", "") for call, _ in fleet.calls[number:])
        assert {*later} <= {last, *ENDING}, "another action began"
        stopped += len(fleet.calls) < calls
        monkeypatch.delenv(interruption.VARIABLE)
        run(fleet)
        assert not run(fleet), f"something is left after call {number}"
        assert {found.trust for found in fleet.found.values()} == {f"t-{after}", f"w-{after}"}
    assert stopped or after == PREPARE


def test_an_interrupted_drain_leaves_the_machine_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(interruption.VARIABLE, str(tmp_path / "interrupt"))
    wanted = inputs(version="v1.36.9")
    fleet = FakeFleet(wanted, alike(inputs()))
    monkeypatch.setattr(fleet, "call", _interrupted_at(fleet, 0, tmp_path / "interrupt", "drain"))
    expected = "interrupted before the action upgrade on a-control-plane-0, whose Node stays"
    with pytest.raises(Interrupted, match=expected):
        run(fleet)
    assert fleet.of(PLANES[0])[-2:] == ["cordon", "drain"]
    assert fleet.called("drain") == PLANES[:1]


def test_after_an_interrupt_no_other_machine_is_cordoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(interruption.VARIABLE, str(tmp_path / "interrupt"))
    fleet = FakeFleet(inputs(version="v1.36.9"), alike(inputs()))
    ending = _interrupted_at(fleet, 0, tmp_path / "interrupt", "record_applied")
    monkeypatch.setattr(fleet, "call", ending)
    with pytest.raises(Interrupted, match="interrupted before a-control-plane-1 was changed"):
        run(fleet)
    assert fleet.called("cordon") == fleet.called("uncordon") == PLANES[:1]


def _interrupted_at(
    fleet: FakeFleet, number: int, file: Path, wanted: str = ""
) -> Callable[[str, str], None]:
    call = fleet.call

    def interrupted(name: str, machine: str) -> None:
        if len(fleet.calls) >= number and name.startswith(wanted):
            interruption.request(file)
        call(name, machine)

    return interrupted


def _killed_at(fleet: FakeFleet, number: int) -> Callable[[str, str], None]:
    call = fleet.call

    def killed(name: str, machine: str) -> None:
        if len(fleet.calls) >= number:
            raise KeyboardInterrupt
        call(name, machine)

    return killed


def test_a_preview_says_what_each_machine_gets() -> None:
    shown = plan(phase(PREPARE), phase(SWITCH), {})
    assert shown[WORKERS[0]] == (
        "rotation of ca: switch: in place, nothing restarted; another CA signs its kubelet's "
        "serving certificate: issued again, nothing restarted; the kubelet is to use the "
        "cluster's current CA: kubelet restarted, pods keep running"
    )
    assert "; another ca issues its leaf certificates: issued again" in shown[PLANES[0]]
    shown = plan(phase(""), phase(PREPARE), {})
    assert shown == dict.fromkeys(
        [*PLANES, *WORKERS], "rotation of ca: prepare: in place, nothing restarted"
    )


@pytest.mark.parametrize(
    ("version", "name", "restarted"),
    [
        ("1.36.3", "ca", "kube-controller-manager"),
        ("1.35.1", "ca", "kube-apiserver, kube-controller-manager, kube-scheduler"),
        ("1.36.3", "etcd-ca", "etcd, kube-apiserver"),
        ("1.36.3", "front-proxy-ca", ""),
        ("1.36.3", "service-account", "kube-apiserver"),
    ],
)
def test_a_preview_names_the_pods_that_a_phase_restarts(
    version: str, name: str, restarted: str
) -> None:
    before, after = (of_version(version, name, phase) for phase in ("", PREPARE))
    shown = plan(before, after, {})[PLANES[0]]
    assert shown.startswith(f"rotation of {name}: prepare: in place, nothing restarted")
    why = "some programs read CAs and keys only when they start"
    expected = f"; {why}: {restarted} restarted, one machine at a time" if restarted else ""
    assert shown == f"rotation of {name}: prepare: in place, nothing restarted{expected}"


def of_version(version: str, name: str, phase: str) -> Any:
    """The rollout's inputs of a described cluster with a phase of one of its rotations."""
    config = stack_config("dev")
    config["kubernetesVersion"] = version
    if phase:
        config["clusters"]["cluster1"]["rotations"] = {config_key(name): phase}
    cluster = load(config).clusters[0]
    return inputs(
        cluster_document=kubeadm.cluster_configuration(cluster),
        rotations=cluster.rotations.by_name,
        trusted={"control-plane": f"t-{phase}", "worker": "w"},
    )


def test_the_accepted_clients_of_a_rotation_are_no_people() -> None:
    news = {**phase(PREPARE), "client_file": "both", "client_set": "both"}
    shown = plan(phase(""), news, {})[PLANES[0]]
    assert "the CAs of its clients include the cluster's own: in place" in shown
    assert "people" not in shown


def test_at_the_end_leaves_only_lose_the_chain_to_the_former_ca() -> None:
    """The CA that signs issued them already, in `switch`."""
    before, after = phase(SWITCH), phase(FINISH)
    shown = plan(before, after, {})[PLANES[0]]
    assert "its leaf certificates still carry the chain to the former ca: issued again" in shown
    assert "serving certificate still carries the chain to the former CA: issued" in shown
    assert "another" not in shown
    fleet = FakeFleet(after, alike(before))
    assert run(fleet)
    why = "the certificates of apiserver, apiserver-kubelet-client, "
    (said,) = (text for text in fleet.said if text.startswith(f"{PLANES[0]}: done"))
    assert why in said
    assert "still carry the chain to the former CA" in said
    assert "another CA" not in said


def test_a_leaf_without_the_chain_of_a_switch_says_so() -> None:
    wanted = DesiredCluster.of(phase(SWITCH)).control_planes[0]
    seen = found(wanted, issuers={"apiserver": NEW, "admin.conf": ISSUER})
    assert [*rotation_triggers.former_certificates(seen, wanted)] == [
        "another CA than the current one issued the certificates of admin.conf",
        "the certificates of apiserver do not carry the chain to the former CA",
    ]


def test_a_preview_of_another_subject_concerns_control_planes_alone() -> None:
    news = inputs(
        rotations={"service-account": PREPARE}, trusted={"control-plane": "t2", "worker": "w1"}
    )
    assert [*plan(inputs(), news, {})] == PLANES


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("", SWITCH, "not all machines are in the phase before switch"),
        (PREPARE, FINISH, "clusters/a/rotations/ca to switch, complete a `fleet up`"),
        (SWITCH, "", "continue with `finish`"),
    ],
)
def test_machines_are_in_each_phase_before_the_next(before: str, after: str, reason: str) -> None:
    with pytest.raises(OperatorError, match=reason):
        reject_rotation(ClusterChange.of(phase(before), phase(after)), {})


def test_a_worker_that_cannot_be_changed_holds_back_the_end_alone() -> None:
    reject_rotation(ClusterChange.of(phase(PREPARE), phase(SWITCH)), ["a-worker-1"])
    with pytest.raises(OperatorError, match="while a-worker-1 cannot be changed"):
        reject_rotation(ClusterChange.of(phase(SWITCH), phase(FINISH)), ["a-worker-1"])


def test_pods_that_may_not_know_the_successor_hold_the_end_back() -> None:
    holders = Holders((OWN[0],), ("shop/cart-1", "shop/cart-2"))
    with pytest.raises(OperatorError, match="shop/cart-1, shop/cart-2 started before the new CA"):
        reject_holders("a", holders, "")
    reject_holders("a", holders, "they read it again")
    reject_holders("a", Holders(OWN, ()), "")
    assert ClusterChange.of(phase(SWITCH), phase(FINISH)).finishes("ca")
    assert not ClusterChange.of(phase(PREPARE), phase(SWITCH)).finishes("ca")


def test_tokens_that_never_expire_hold_the_end_back() -> None:
    with pytest.raises(OperatorError, match="tokens in the Secrets ci/deploy: create them again"):
        reject_tokens("a", ["ci/deploy"], "")
    reject_tokens("a", ["ci/deploy"], "unused")
    reject_tokens("a", [], "")


def test_the_end_comes_when_pods_have_tokens_of_the_new_key() -> None:
    before, after = (inputs(rotations={"service-account": name}) for name in (SWITCH, FINISH))
    change, now = ClusterChange.of(before, after), datetime.now(UTC)
    with pytest.raises(OperatorError, match=r"cannot be finished before .* UTC"):
        reject_early(change, now.isoformat(), "")
    reject_early(change, now.isoformat(), "a leaked key")
    reject_early(change, (now - TOKENS).isoformat(), "")
    reject_early(ClusterChange.of(phase(SWITCH), phase(FINISH)), now.isoformat(), "")


def test_the_end_waits_until_components_have_read_their_certificates() -> None:
    change = ClusterChange.of(phase(SWITCH), phase(FINISH))
    just_now = datetime.now(UTC).isoformat()
    assert 0 < seconds_to_settle(change, just_now) <= SETTLING["ca"].total_seconds()
    assert seconds_to_settle(change, just_now, "ca") == 0
    assert seconds_to_settle(change, just_now, "etcd-ca") > 0
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert seconds_to_settle(change, long_ago) == 0
    earlier = ClusterChange.of(phase(PREPARE), phase(SWITCH))
    assert seconds_to_settle(earlier, just_now) == 0


@pytest.mark.parametrize(
    ("name", "seconds"), [("etcd-ca", 0), ("service-account", 0), ("front-proxy-ca", 90)]
)
def test_the_end_of_another_ca_waits_for_those_who_read_it_late(name: str, seconds: float) -> None:
    """etcd and its clients read theirs at each connection."""
    before, after = (inputs(rotations={name: phase}) for phase in (SWITCH, FINISH))
    found = seconds_to_settle(ClusterChange.of(before, after), datetime.now(UTC).isoformat())
    assert found == pytest.approx(seconds, abs=5)
