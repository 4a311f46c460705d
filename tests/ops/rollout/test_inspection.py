"""How what machines and the API tell is put together."""

from dataclasses import replace

import pytest

from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout import inspection
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from tests.ops.rollout.examples import found, inputs


def test_a_node_that_flannel_wrote_on_meanwhile_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in the first seconds of a Node: the API is asked before the machine has answered."""
    props = inputs()
    looks = {each.name: found(each, vtep="aa:01") for each in DesiredCluster.of(props).machines}
    before = {name: each.node for name, each in looks.items() if each.node}
    after = {name: replace(node, vtep="aa:01") for name, node in before.items()}
    answers: list[dict[str, Node]] = [before, after]
    monkeypatch.setattr(Nodes, "read", lambda _: answers.pop(0))
    monkeypatch.setattr(inspection, "inspect_machine", lambda host, *_: looks[host.machine])
    seen = inspection.inspect_cluster(props)
    assert answers == []
    assert not [
        action
        for one in DesiredCluster.of(props).machines
        for action in required_actions(seen[one.name], one)
    ]
