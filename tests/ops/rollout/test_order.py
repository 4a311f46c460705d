"""The order of a rollout's operations, without any machine."""

from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.rollout import readiness
from ops.rollout.observed import ObservedCluster
from tests.ops.rollout.examples import found, inputs, wanted, with_parts
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, run

NEWER = "v1.37.2"


def test_former_versions_are_removed_when_all_machines_are_upgraded() -> None:
    props = inputs(version=NEWER)
    fleet = FakeFleet(props, alike(inputs(), staged=(NEWER,)))
    assert run(fleet)
    assert fleet.called("clean") == sorted(props["machines"])
    cleaned = [index for index, (call, _) in enumerate(fleet.calls) if call == "clean"]
    applied = [index for index, (call, _) in enumerate(fleet.calls) if call == "record_applied"]
    assert max(applied) < min(cleaned)
    assert not run(fleet), "nothing is left to be done"


def test_only_leftovers_of_a_killed_run_are_removed() -> None:
    props = inputs()
    like = alike(props)
    like["a-worker-1"] = replace(like["a-worker-1"], cleanup_pending=True)
    like["a-control-plane-2"] = replace(like["a-control-plane-2"], staged=(NEWER,))
    fleet = FakeFleet(props, like)
    assert run(fleet)
    assert sorted(fleet.calls) == [("clean", "a-control-plane-2"), ("clean", "a-worker-1")]
    assert not run(fleet)


def test_node_is_cordoned_once_and_drained_before_its_upgrade() -> None:
    fleet = FakeFleet(inputs(version=NEWER), alike(inputs(), staged=(NEWER,)))
    fleet.stay = "shop/web (there is no other Node)"
    run(fleet)
    for name in fleet.props["machines"]:
        steps = fleet.of(name)
        assert steps.count("cordon") == 1
        upgrade = next(step for step in steps if step.startswith("upgrade"))
        assert steps.index("cordon") < steps.index("drain") < steps.index(upgrade)
        why = "left where they are, since no other Node can take them"
        assert f"{name}: {why}: shop/web (there is no other Node)" in fleet.said


def test_no_pod_keeps_the_former_pod_network() -> None:
    """What no other Node can take is created again here, or deleted permanently."""
    fleet = FakeFleet(inputs(plugin="canal"), alike(inputs()))
    fleet.stay = "shop/web (there is no other Node)"
    run(fleet)
    for name in fleet.props["machines"]:
        steps = fleet.of(name)
        assert steps.index("drain") < steps.index("register") < steps.index("uncordon")
        why = "to be deleted, since no other Node can take them"
        assert f"{name}: {why}: shop/web (there is no other Node)" in fleet.said


def test_a_briefly_not_ready_node_is_drained() -> None:
    """Its pods may run on; the drain itself judges whether the Node is lost."""
    name = "a-worker-1"

    class Returning(FakeFleet):
        def call(self, call: str, name: str) -> None:
            super().call(call, name)
            if call in ("drain", "upgrade_kubelet"):
                self.registering[name] = found(wanted(name)).node

    like = alike(inputs(), staged=(NEWER,))
    fleet = Returning(inputs(version=NEWER), like)
    node = like[name].node
    assert node
    fleet.found[name] = replace(like[name], node=replace(node, ready=False))
    run(fleet)
    assert fleet.of(name)[:3] == ["cordon", "drain", "upgrade_kubelet"]


@pytest.mark.parametrize(("has_room", "ignored"), [(True, ""), (False, "CreateJob")])
def test_kubeadm_checks_the_cluster_before_anything_is_drained(
    has_room: bool, ignored: str
) -> None:
    fleet = FakeFleet(inputs(version=NEWER), alike(inputs(), staged=(NEWER,)))
    fleet.has_room = has_room
    run(fleet)
    assert fleet.called("check_upgrade") == ["a-control-plane-0"]
    steps = [step for step, _ in fleet.calls]
    assert steps.index("check_upgrade") < steps.index("cordon")
    assert fleet.ignored == {ignored}


@pytest.mark.parametrize("before", [[], ["upgrade_kubelet"]])
def test_pods_of_a_former_node_are_deleted_between_registration_and_record(
    before: list[str],
) -> None:
    props = inputs()
    like = alike(props)
    version = "v1.36.1" if before else "v1.36.3"
    worker = like["a-worker-1"]
    applied = replace(worker.applied, version=version)
    like["a-worker-1"] = replace(worker, node=None, version=version, applied=applied)
    fleet = FakeFleet(props, like)
    assert run(fleet)
    assert fleet.of("a-worker-1")[: len(before) + 5] == [
        *before, "register", "delete_pods", "set_metadata", "uncordon", "record_applied",
    ]  # fmt: skip


def test_upgrade_covers_new_settings() -> None:
    props = inputs(version=NEWER, kubelet_document="maxPods: 50")
    fleet = FakeFleet(props, alike(inputs(), staged=(NEWER,)))
    assert run(fleet)
    assert fleet.called("upgrade_kubelet") == ["a-worker-0", "a-worker-1", "a-worker-2"]
    assert fleet.called("apply_kubelet") == []


def test_new_settings_are_uploaded_once_and_applied_to_all() -> None:
    fleet = FakeFleet(inputs(kubelet_document="maxPods: 50"), alike(inputs()))
    assert run(fleet)
    assert fleet.calls[-1] == ("upload_configuration", "a-control-plane-0")
    assert fleet.called("upload_configuration") == ["a-control-plane-0"]
    assert fleet.called("apply_kubelet") == sorted(fleet.props["machines"])
    assert fleet.called("drain") == []


def test_an_unupgradable_control_plane_stops_the_run_before_any_change() -> None:
    like = alike(inputs())
    plane = like["a-control-plane-1"]
    applied = replace(plane.applied, version="v1.34.0")
    like["a-control-plane-1"] = replace(plane, version="v1.34.0", applied=applied)
    fleet = FakeFleet(inputs(version=NEWER), like)
    with pytest.raises(OperatorError, match="a-control-plane-1: "):
        run(fleet)
    assert fleet.calls == []


def test_control_planes_that_make_the_api_unavailable_are_repaired_first() -> None:
    props = inputs()
    stopped = {"containerd": "active", "kubelet": "inactive"}
    fleet = FakeFleet(props, alike(props))
    fleet.found["a-control-plane-1"] = replace(fleet.found["a-control-plane-1"], services=stopped)
    fleet.api_answers = False
    assert run(fleet)
    assert fleet.calls == [("repair", "a-control-plane-1")]
    assert "a-control-plane-1: repair done (kubelet is inactive)" in fleet.said


def ending(monkeypatch: pytest.MonkeyPatch, fleet: FakeFleet) -> None:
    """Let the API end between the inspection of machines and what the cluster says of itself."""
    observe = FakeNodes.observe_cluster

    def end(nodes: FakeNodes) -> ObservedCluster:
        if fleet.calls == []:
            fleet.api_answers = False
            raise OperatorError("reading kubeadm-config failed: no response")
        return observe(nodes)

    monkeypatch.setattr(FakeNodes, "observe_cluster", end)


def test_an_api_that_ends_after_the_inspection_is_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A kubelet takes seconds to stop the API server whose manifest is gone."""
    fleet = FakeFleet(inputs(), alike(inputs()))
    stopped = {"containerd": "active", "kubelet": "inactive"}
    fleet.found["a-control-plane-1"] = replace(fleet.found["a-control-plane-1"], services=stopped)
    ending(monkeypatch, fleet)
    assert run(fleet)
    assert fleet.calls == [("repair", "a-control-plane-1")]
    assert fleet.record is None


def test_an_api_that_ends_with_all_its_machines_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = FakeFleet(inputs(), alike(inputs(), unreachable="no route to host"))
    ending(monkeypatch, fleet)
    with pytest.raises(OperatorError, match="is unreachable: no route to host"):
        run(fleet)


def test_an_expired_cluster_is_repaired_without_its_api() -> None:
    props = inputs()
    fleet = FakeFleet(props, alike(props))
    for name, machine in fleet.found.items():
        invalid = {"kubelet-client": "expired on 2026-11-01 12:00 UTC"}
        if "control" in name:
            invalid["apiserver"] = "is missing"
        fleet.found[name] = replace(machine, invalid_certificates=invalid)
    fleet.api_answers = False
    assert run(fleet)
    planes = [name for name in fleet.found if "control" in name]
    repairs = [
        (call, name) for call, name in fleet.calls if "certificate" in call or "leaves" in call
    ]
    assert repairs[: 2 * len(planes)] == [
        (call, name)
        for name in planes
        for call in ("issue_invalid_leaves", "install_kubelet_certificate")
    ]
    assert fleet.called("install_kubelet_certificate") == sorted(fleet.found)
    assert not run(fleet), "nothing is left to be done"


def test_an_expired_cluster_without_one_control_plane_is_repaired_as_far_as_possible() -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    for name, machine in fleet.found.items():
        invalid = {"kubelet-client": "expired on 2026-11-01 12:00 UTC"}
        if "control" in name:
            invalid["apiserver"] = "is missing"
        fleet.found[name] = replace(machine, invalid_certificates=invalid)
    fleet.api_answers = False
    fleet.silent = {"a-control-plane-1"}
    with pytest.raises(OperatorError, match=r"a-control-plane-1 is unreachable.* Only what kept"):
        run(fleet)
    assert fleet.called("issue_invalid_leaves") == ["a-control-plane-0", "a-control-plane-2"]
    repaired = sorted({*fleet.found} - fleet.silent)
    assert fleet.called("install_kubelet_certificate") == repaired
    assert fleet.called("set_metadata") == [], "every other change needs all control planes"
    assert fleet.record, "the next run inspects the machines, although the API answers"
    fleet.silent.clear()
    assert run(fleet)
    assert not [name for name, found in fleet.found.items() if found.invalid_certificates]
    assert fleet.record is None


def test_a_control_plane_without_which_there_is_no_majority_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", 0)
    fleet = FakeFleet(inputs(), alike(inputs()))
    fleet.api_answers = False
    fleet.silent = {"a-control-plane-1", "a-control-plane-2"}
    with pytest.raises(OperatorError, match=r"unreachable: .* \(a-control-plane-2 as well\)"):
        run(fleet)


def test_what_crashes_on_after_its_repair_says_why() -> None:
    fleet = FakeFleet(inputs(), alike(inputs()))
    one = fleet.found["a-worker-1"]
    fleet.found["a-worker-1"] = replace(one, crashes={"kubelet": "unknown field: maxPod"})
    with pytest.raises(
        OperatorError, match=r"kubelet is crash-looping: unknown field: maxPod; files"
    ):
        run(fleet)
    assert fleet.called("repair") == ["a-worker-1"]


def test_an_api_with_unreachable_machines_is_not_waited_for() -> None:
    props = inputs()
    fleet = FakeFleet(props, alike(props, unreachable="no route to host"))
    fleet.api_answers = False
    with pytest.raises(OperatorError, match="a-control-plane-0 is unreachable: no route to host"):
        run(fleet)
    assert fleet.calls == []


def test_cluster_objects_are_upgraded_after_a_killed_run() -> None:
    props = inputs(version=NEWER)
    fleet = FakeFleet(props, alike(props))
    assert run(fleet)
    assert [call for call, _ in fleet.calls if "upgrade" in call] == [
        "check_upgrade",
        "upgrade_first",
    ]
    assert not run(fleet), "nothing is left to be done"


def test_proxy_is_applied_machine_by_machine_without_a_drain() -> None:
    fleet = FakeFleet(with_parts(proxy="p2", mirrors="m2"), alike(inputs()))
    assert run(fleet)
    assert fleet.of("a-worker-0") == [
        "apply_files mirrors", "apply_files containerd proxy", "set_metadata", "uncordon",
        "record_applied",
    ]  # fmt: skip
    proxied = [name for call, name in fleet.calls if call == "apply_files containerd proxy"]
    assert proxied == list(fleet.props["machines"])
    healthy = [name for call, name in fleet.calls if call == "await_health"]
    assert len(healthy) == 3 * 3, "each control plane with the two others before, and itself after"
    assert not run(fleet), "nothing is left to be done"


def test_load_balancers_know_another_api_server_before_one_is_changed() -> None:
    """All of them but its own, which its machine asks when the API server is to end."""
    fleet = FakeFleet(with_parts("control-plane", components="c2"), alike(inputs()))
    assert run(fleet)
    planes = [f"a-control-plane-{index}" for index in range(3)]
    turns = [fleet.leaving[index : index + 3] for index in range(0, len(fleet.leaving), 3)]
    assert len(turns) == len(planes)
    for plane, turn in zip(planes, turns, strict=True):
        assert sorted(turn[:2]) == [(other, plane) for other in planes if other != plane]
        assert turn[2] == (plane, "")


def test_proxy_comes_before_an_upgrade_and_the_unit_after_it() -> None:
    props = {**with_parts(proxy="p2", kubelet="k2"), "version": NEWER}
    fleet = FakeFleet(props, alike(inputs(), staged=(NEWER,)))
    assert run(fleet)
    assert fleet.of("a-worker-0")[:5] == [
        "cordon", "drain", "apply_files containerd proxy", "upgrade_kubelet", "apply_files kubelet",
    ]  # fmt: skip


def test_load_balancers_that_run_are_reloaded_before_another_one_is_started() -> None:
    like = alike(inputs())
    first = like["a-control-plane-0"]
    parts = {name: digest for name, digest in first.parts.items() if name != "load-balancer"}
    like["a-control-plane-0"] = replace(first, parts=parts)
    fleet = FakeFleet(with_parts("control-plane", load_balancer="l2"), like)
    assert run(fleet)
    started = [name for call, name in fleet.calls if call == "apply_files load-balancer"]
    assert started == [f"a-control-plane-{index}" for index in (1, 2, 0)]
    healthy = [name for call, name in fleet.calls if call == "await_health"]
    assert len(healthy) == 3 * 3, "each control plane with the two others before, and itself after"
    assert not run(fleet)


def test_a_change_that_fails_on_one_machine_reaches_no_other_and_can_be_reverted() -> None:
    fleet = FakeFleet(with_parts(proxy="p2"), alike(inputs()))
    fleet.failing["apply_files containerd proxy"] = OperatorError("containerd does not start")
    with pytest.raises(OperatorError, match="containerd does not start"):
        run(fleet)
    assert fleet.called("apply_files containerd proxy") == ["a-control-plane-0"]
    first = fleet.found["a-control-plane-0"]
    fleet.found["a-control-plane-0"] = replace(first, parts={**first.parts, "proxy": "pending"})
    fleet.failing = {}
    fleet.calls.clear()
    fleet.props = inputs()
    assert run(fleet)
    assert fleet.called("apply_files containerd proxy") == ["a-control-plane-0"]
    assert not run(fleet)


def test_nothing_begins_while_etcd_accepts_no_writes() -> None:
    fleet = FakeFleet(inputs(version="v1.36.4"), alike(inputs(), staged=("v1.36.4",)))
    fleet.failing["reject_etcd_alarm"] = OperatorError("NOSPACE")
    with pytest.raises(OperatorError, match="NOSPACE"):
        run(fleet)
    assert fleet.calls == []
