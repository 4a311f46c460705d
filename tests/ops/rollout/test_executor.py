"""In which order a whole run does what is left, without any machine."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ops.kube import retirement
from ops.kube.nodes import Nodes, Pod
from ops.rollout import executor
from ops.rollout.desired import DesiredCluster
from ops.rollout.executor import RolloutRun
from ops.rollout.node_operations import NodeOperations
from ops.rollout.observed import ObservedMachine
from ops.rollout.progress import Progress
from tests.ops.rollout.examples import CLUSTER, found, inputs

NEWER = "v1.37.2"


class Fleet:
    """Machines that become what they are told, and note what they were told."""

    def __init__(self, props: Mapping[str, Any], like: Mapping[str, ObservedMachine]) -> None:
        self.props = props
        self.found = dict(like)
        self.told: list[tuple[str, str]] = []
        self.recorded = CLUSTER
        self.has_room = True
        self.ignored: set[str] = set()

    def obey(self, machine: NodeOperations, call: str) -> None:
        self.told.append((call, machine.name))
        now = self.found[machine.name]
        if call.startswith("upgrade"):
            now = replace(now, version=machine.wanted.version, staged=(), cleanup_pending=True)
        elif call == "clean":
            now = replace(now, staged=(), cleanup_pending=False)
        elif call == "record_applied":
            now = replace(now, applied=replace(now.applied, version=machine.wanted.version))
        elif call == "register":
            now = replace(now, node=found(machine.wanted).node)
        if call == "upgrade_first":
            self.recorded = CLUSTER.replace("v1.36.3", machine.wanted.version)
        self.found[machine.name] = now

    def end(self, name: str, pods: list[Pod]) -> None:
        assert pods == [Pod("shop", "cleanup_pending", name)]
        self.told.append(("end_pods", name))

    def calls(self, call: str) -> list[str]:
        """The machines that were told so."""
        return sorted(name for each, name in self.told if each == call)


def run(monkeypatch: pytest.MonkeyPatch, fleet: Fleet, stay: str = "") -> bool:
    """Run the rollout; return whether it touched anything. `stay` is what no drain can move."""

    def obey(machine: NodeOperations, call: str, _: object, settings: dict[str, str]) -> None:
        fleet.obey(machine, call)
        fleet.ignored |= {settings["IGNORED_CHECKS"]} if "IGNORED_CHECKS" in settings else set()

    def drained(name: str) -> str:
        fleet.told.append(("drain", name))
        return stay

    monkeypatch.setattr(executor, "inspect_cluster", lambda *_, **__: dict(fleet.found))
    monkeypatch.setattr(NodeOperations, "_run", obey)
    monkeypatch.setattr(Nodes, "__init__", lambda *_: None)
    monkeypatch.setattr(Nodes, "cluster_document", lambda _: fleet.recorded)
    monkeypatch.setattr(Nodes, "can_take", lambda *_: fleet.has_room)
    monkeypatch.setattr(Nodes, "cordon", lambda _, name: fleet.told.append(("cordon", name)))
    for name in ("set_metadata", "uncordon"):
        monkeypatch.setattr(Nodes, name, lambda *_: None)
    monkeypatch.setattr(retirement, "drain", lambda _, name, **__: drained(name))
    monkeypatch.setattr(Nodes, "one", lambda *_: None)
    monkeypatch.setattr(
        Nodes, "former_pods", lambda _, name: [Pod("shop", "cleanup_pending", name)]
    )
    monkeypatch.setattr(Nodes, "end_pods", lambda _, name, pods: fleet.end(name, pods))
    monkeypatch.setattr(
        "ops.rollout.readiness.await_registered",
        lambda _, name, __: fleet.told.append(("await_registered", name)),
    )
    monkeypatch.setattr("ops.rollout.readiness.await_ready", lambda *_: None)
    done = RolloutRun(fleet.props, Progress(lambda *_, **__: None))
    done.run(record_initial=False)
    return done.changed


def alike(props: Mapping[str, Any], **changes: Any) -> dict[str, ObservedMachine]:
    return {each.name: found(each, **changes) for each in DesiredCluster.of(props).machines}


def test_former_versions_are_removed_when_all_machines_are_upgraded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    props = inputs(version=NEWER)
    fleet = Fleet(props, alike(inputs(), staged=(NEWER,)))
    assert run(monkeypatch, fleet)
    assert fleet.calls("clean") == sorted(props["machines"])
    cleaned = [index for index, (call, _) in enumerate(fleet.told) if call == "clean"]
    applied = [index for index, (call, _) in enumerate(fleet.told) if call == "record_applied"]
    assert max(applied) < min(cleaned)
    assert not run(monkeypatch, fleet), "nothing is left to be done"


def test_what_a_killed_run_left_is_removed_and_nothing_else_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    props = inputs()
    like = alike(props)
    like["a-worker-1"] = replace(like["a-worker-1"], cleanup_pending=True)
    like["a-control-plane-2"] = replace(like["a-control-plane-2"], staged=(NEWER,))
    fleet = Fleet(props, like)
    assert run(monkeypatch, fleet)
    assert sorted(fleet.told) == [("clean", "a-control-plane-2"), ("clean", "a-worker-1")]
    assert not run(monkeypatch, fleet)


def test_node_is_cordoned_once_and_drained_before_its_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fleet = Fleet(inputs(version=NEWER), alike(inputs(), staged=(NEWER,)))
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(Progress, "done", lambda _, name, text: said.append((name, text)))
    run(monkeypatch, fleet, stay="shop/web (there is no other Node)")
    for name in fleet.props["machines"]:
        steps = [step for step, each in fleet.told if each == name]
        assert steps.count("cordon") == 1
        upgrade = next(step for step in steps if step.startswith("upgrade"))
        assert steps.index("cordon") < steps.index("drain") < steps.index(upgrade)
        why = "left where they are, since no other Node can take them"
        assert (name, f"{why}: shop/web (there is no other Node)") in said


@pytest.mark.parametrize(("has_room", "ignored"), [(True, ""), (False, "CreateJob")])
def test_kubeadm_checks_the_cluster_before_anything_is_drained(
    monkeypatch: pytest.MonkeyPatch, has_room: bool, ignored: str
) -> None:
    fleet = Fleet(inputs(version=NEWER), alike(inputs(), staged=(NEWER,)))
    fleet.has_room = has_room
    run(monkeypatch, fleet)
    assert fleet.calls("check_upgrade") == ["a-control-plane-0"]
    steps = [step for step, _ in fleet.told]
    assert steps.index("check_upgrade") < steps.index("cordon")
    assert fleet.ignored == {ignored}


@pytest.mark.parametrize("before", [[], ["upgrade_kubelet"]])
def test_pods_of_a_former_node_end_when_it_has_registered_and_before_it_is_settled(
    monkeypatch: pytest.MonkeyPatch, before: list[str]
) -> None:
    props = inputs()
    like = alike(props)
    version = "v1.36.1" if before else "v1.36.3"
    worker = like["a-worker-1"]
    applied = replace(worker.applied, version=version)
    like["a-worker-1"] = replace(worker, node=None, version=version, applied=applied)
    fleet = Fleet(props, like)
    assert run(monkeypatch, fleet)
    assert [call for call, name in fleet.told if name == "a-worker-1"][: len(before) + 4] == [
        *before, "register", "await_registered", "end_pods", "record_applied",
    ]  # fmt: skip
