"""The conditions to wait for after a change of a machine."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.kube import client
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout import readiness
from tests.ops.kube import large_cluster
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import found

NAME = "a-worker-0"
FORMER = Node(
    ready=True, cordoned=False, labels={}, taints=(), our_labels=(), our_taints=(), uid="one"
)


class ScriptedNodes(Nodes):
    """Nodes as the API tells of them, one answer after another."""

    def __init__(self, *answers: Node | None) -> None:
        self.left = list(answers)

    def find_once(self, name: str) -> Node | None:
        assert name == NAME
        return self.left.pop(0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "POLL_SECONDS", 0)


@pytest.mark.parametrize(
    "news",
    [
        replace(FORMER, uid="another"),
        replace(FORMER, ready=False),
        replace(FORMER, ready_since="2026-11-23T07:47:00Z"),
    ],
)
def test_a_node_is_registered_when_its_uid_changes(news: Node) -> None:
    nodes = ScriptedNodes(None, FORMER, news)
    readiness.await_registered(nodes, NAME, FORMER)
    assert nodes.left == []


def test_a_missing_node_is_registered_when_it_appears() -> None:
    nodes = ScriptedNodes(None, FORMER)
    readiness.await_registered(nodes, NAME, None)
    assert nodes.left == []


def test_a_node_that_never_registers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", -1)
    with pytest.raises(OperatorError, match=f"Node {NAME} is still reported Ready"):
        readiness.await_registered(ScriptedNodes(FORMER), NAME, FORMER)


def test_waiting_for_a_node_reads_only_that_node(api: Api) -> None:
    states = iter(["Unknown", "True"])
    path = f"GET /api/v1/nodes/{NAME}"
    api.answers[path] = lambda: (200, found(next(states), NAME))
    readiness.await_ready(Nodes(client.of(api.kubeconfig)), [NAME])
    assert api.asked == [path] * 2


def test_waiting_for_a_node_of_a_large_cluster_reads_only_that_node(api: Api) -> None:
    """What they read does not depend on the cluster's size: a thousand Nodes have 13 MB."""
    large_cluster.serve(api)
    looks, names = 3, [large_cluster.name(number) for number in range(8)]
    for name in names:
        large_cluster.becomes_ready(api, name, looks)
    nodes = Nodes(client.of(api.kubeconfig))
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        list(pool.map(lambda name: readiness.await_ready(nodes, [name]), names))
    assert sorted(api.asked) == sorted(f"GET /api/v1/nodes/{name}" for name in names * looks)
    assert sum(api.sizes) < len(names) * looks * large_cluster.NODE_BYTES
    readiness.await_ready(nodes, ())
    assert api.sizes[-1] < large_cluster.NODE_BYTES


def test_waiting_for_the_api_alone(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", -1)
    nodes = Nodes(client.of(api.kubeconfig))
    for names in ([], [NAME]):
        api.answers["GET /api/v1/nodes"] = (500, {})
        api.answers[f"GET /api/v1/nodes/{NAME}"] = (500, {})
        with pytest.raises(OperatorError, match="the API does not answer"):
            readiness.await_ready(nodes, names)
    api.answers["GET /api/v1/nodes"] = (200, {"items": []})
    readiness.await_ready(nodes, [])


def test_unready_nodes_are_named(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", -1)
    api.answers["GET /api/v1/nodes/a"] = (200, found("False", "a"))
    with pytest.raises(OperatorError, match="a, b not Ready"):
        readiness.await_ready(Nodes(client.of(api.kubeconfig)), ["a", "b"])
