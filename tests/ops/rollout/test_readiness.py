"""What a machine waits for before anything else is done to it."""

from dataclasses import replace

import pytest

from ops.errors import OperatorError
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout import readiness

NAME = "a-worker-0"
FORMER = Node(
    ready=True, cordoned=False, labels={}, taints=(), our_labels=(), our_taints=(), uid="one"
)


class Answers(Nodes):
    """Nodes as the API tells of them, one answer after another."""

    def __init__(self, *answers: Node | None) -> None:
        self.left = list(answers)

    def read(self) -> dict[str, Node]:
        node = self.left.pop(0)
        return {NAME: node} if node else {}


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
def test_node_is_registered_when_it_is_no_longer_what_it_was(news: Node) -> None:
    nodes = Answers(None, FORMER, news)
    readiness.await_registered(nodes, NAME, FORMER)
    assert nodes.left == []


def test_node_that_was_gone_is_registered_when_it_is_there() -> None:
    nodes = Answers(None, FORMER)
    readiness.await_registered(nodes, NAME, None)
    assert nodes.left == []


def test_node_that_never_changes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", -1)
    with pytest.raises(OperatorError, match=f"Node {NAME} still has the Ready condition"):
        readiness.await_registered(Answers(FORMER), NAME, FORMER)
