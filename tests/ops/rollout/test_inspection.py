"""Merging of the states reported by machines and by the API."""

from dataclasses import replace

import pytest

from ops.kube.node import Node
from ops.rollout import inspection
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
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
