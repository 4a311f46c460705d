"""Merging of the states reported by machines and by the API."""

from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.kube.node import Node
from ops.rollout import inspection
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from ops.rollout.observed import ObservedCluster
from tests.ops.rollout.examples import inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike, machines_of


def test_a_node_annotated_by_flannel_meanwhile_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in the first seconds of a Node: the API is asked before the machine has answered."""
    props = inputs()
    fleet = FakeFleet(props, alike(props, vtep="aa:01"))
    before = {name: each.node for name, each in fleet.found.items() if each.node}
    after = {name: replace(node, vtep="aa:01") for name, node in before.items()}
    answers: list[dict[str, Node]] = [before, after]
    monkeypatch.setattr(FakeNodes, "read", lambda _: answers.pop(0))
    seen = inspection.inspect_cluster(machines_of(fleet), FakeNodes(fleet))
    assert answers == []
    machines = DesiredCluster.of(props).machines
    assert not [action for one in machines for action in required_actions(seen[one.name], one)]


def unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: FakeNodes) -> ObservedCluster:
        raise OperatorError("reading kubeadm-config failed: no response")

    monkeypatch.setattr(FakeNodes, "observe_cluster", fail)


def test_drift_is_found_although_the_api_ends_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kubelet takes seconds to stop the API server whose manifest is gone."""
    props = inputs()
    stopped = {"containerd": "active", "kubelet": "inactive"}
    fleet = FakeFleet(props, alike(props, services=stopped))
    fleet.api_answers = False
    unanswered(monkeypatch)
    left = inspection.find_drift(DesiredCluster.of(props), fleet.found, FakeNodes(fleet))
    assert {*left} == {*fleet.found}


def test_a_refusal_of_an_api_that_answers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    props = inputs()
    fleet = FakeFleet(props, alike(props))
    unanswered(monkeypatch)
    with pytest.raises(OperatorError, match="kubeadm-config"):
        inspection.find_drift(DesiredCluster.of(props), fleet.found, FakeNodes(fleet))
