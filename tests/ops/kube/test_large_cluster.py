"""What is read of a thousand Nodes, in requests and bytes."""

from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client, cluster_health, drain, retirement
from ops.kube.nodes import Nodes
from tests.ops.kube import large_cluster
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODES_PATH, PODS_PATH, PodFixture, found

LISTED = f"GET {NODES_PATH}"
# The control plane's taint, and one of a pool of its own.
ELSEWHERE: list[dict[str, Any]] = [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)


def drained(api: Api, pods: PodFixture) -> int:
    """Drain a Node; return how many bytes its drain read."""
    before = len(api.sizes)
    node = large_cluster.name(7)
    api.answers[f"GET {NODES_PATH}/{node}"] = (200, large_cluster.node(node))
    retirement.drain(Nodes(client.of(api.kubeconfig)), node, deadline_seconds=60, force=False)
    assert pods.left == {}
    return sum(api.sizes[before:])


def test_a_drain_reads_a_few_nodes_once_however_long_it_takes(
    api: Api,
) -> None:
    passes = 20
    pods = PodFixture(api, "web", "db", held={"web": passes})
    large_cluster.serve(api)
    read = drained(api, pods)
    assert api.asked.count(LISTED) == 1
    own = (passes + 2) * (large_cluster.NODE_BYTES + 2_000)
    assert read < drain.NODES_PAGE * large_cluster.NODE_BYTES + own
    assert api.asked.count(f"GET {PODS_PATH}") == passes + 2


def test_a_drain_reads_on_until_it_finds_room(api: Api) -> None:
    pods = PodFixture(api, "web")
    large_cluster.serve(api, taints=ELSEWHERE)
    last = large_cluster.name(large_cluster.NODES - 1)
    api.lists[NODES_PATH] = [*api.lists[NODES_PATH][:-1], large_cluster.node(last)]
    drained(api, pods)
    assert api.asked.count(LISTED) == large_cluster.NODES // drain.NODES_PAGE


def test_room_for_one_pod_is_found_on_the_first_nodes(api: Api) -> None:
    large_cluster.serve(api)
    assert Nodes(client.of(api.kubeconfig)).can_take({"spec": {}})
    assert len(api.asked) == 1
    assert sum(api.sizes) < drain.NODES_PAGE * large_cluster.NODE_BYTES


def test_waiting_for_all_nodes_of_a_large_cluster_reads_them_less_often(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "POLL_SECONDS_PER_NODE", 0.002)
    names = [large_cluster.name(number) for number in range(large_cluster.NODES)]
    api.lists[NODES_PATH] = [found("False", name) for name in names]
    api.lists[cluster_health.SYSTEM_PODS] = []
    kube = Nodes(client.of(api.kubeconfig)).client
    with pytest.raises(OperatorError, match="not Ready"):
        cluster_health.await_ready(kube, "large", names, 1)
    readings, pages = 2, 2
    assert api.asked.count(LISTED) <= readings * pages
