"""What is read of a cluster for its capacity."""

from typing import Any

import pytest

from ops.kube import capacity
from ops.kube.client import Client
from ops.kube.errors import ApiError
from tests.ops.kube.api_server import Api

NODES, PODS = "GET /api/v1/nodes", "GET /api/v1/pods"
OF_NODES, OF_PODS = (f"GET {capacity.METRICS}/{kind}" for kind in ("nodes", "pods"))


@pytest.fixture
def client(api: Api) -> Client:
    return Client(api.kubeconfig, retries=0)


def pod(name: str, owner: tuple[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    return {
        "metadata": {
            "namespace": "shop",
            "name": name,
            "ownerReferences": owners,
            "labels": {"pod-template-hash": "5d9f"},
        },
        "spec": {"nodeName": "a", "containers": [{}], **spec},
    }


def node(labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    allocatable = {"cpu": "1930m", "memory": "4Gi", "pods": "110", "ephemeral-storage": "9e9"}
    ready = [{"type": "Ready", "status": "True"}]
    return {
        "metadata": {"name": "a", "labels": labels},
        "spec": spec,
        "status": {"allocatable": allocatable, "conditions": ready},
    }


def test_a_node() -> None:
    found = capacity.node(
        node({"kubeadm-fleet/pool": "big", "topology.kubernetes.io/zone": "z"}, unschedulable=True)
    )
    assert (found.pool, found.zone, found.is_cordoned, found.takes_pods) == (
        "big",
        "z",
        True,
        False,
    )
    assert found.allocatable == {
        "cpu": 1930, "memory": 4 << 30, "pods": 110, "ephemeral-storage": 9 * 10**9
    }  # fmt: skip


@pytest.mark.parametrize(
    ("labels", "pool"),
    [
        ({}, ""),
        ({"node-role.kubernetes.io/control-plane": ""}, "control-plane"),
        ({"eks.amazonaws.com/nodegroup": "blue"}, "blue"),
        ({"karpenter.sh/nodepool": "spot"}, "spot"),
    ],
)
def test_the_pool_of_a_node_that_others_made(labels: dict[str, str], pool: str) -> None:
    assert capacity.node(node(labels)).pool == pool


def test_a_node_that_has_not_reported() -> None:
    found = capacity.node({"metadata": {"name": "new"}, "status": {}})
    assert (found.allocatable, found.takes_pods) == ({}, False)


@pytest.mark.parametrize(
    ("owner", "workload", "fixed"),
    [
        (None, "Pod/x", False),
        (("ReplicaSet", "web-5d9f"), "Deployment/web", False),
        (("ReplicaSet", "bare"), "ReplicaSet/bare", False),
        (("StatefulSet", "db"), "StatefulSet/db", False),
        (("DaemonSet", "agent"), "DaemonSet/agent", True),
        (("Node", "a"), "Pod/x", False),
    ],
)
def test_the_workload_of_a_pod(owner: Any, workload: str, fixed: bool) -> None:
    found = capacity.pod(pod("x", owner))
    assert (found.workload, found.fixed) == (workload, fixed)


def test_alike_pods_share_what_was_read() -> None:
    rules: dict[str, Any] = {
        "tolerations": [{"operator": "Exists"}],
        "nodeSelector": {"disk": "ssd"},
    }
    containers = [{"resources": {"requests": {"cpu": "100m"}}}]
    first, second = (capacity.pod(pod(x, containers=containers, **rules)) for x in "xy")
    assert first.requests == {"cpu": 100, "pods": 1}
    assert first.rules == rules
    assert first.requests is second.requests
    assert first.rules is second.rules


def test_pods_are_read_in_pages_without_those_that_have_ended(api: Api, client: Client) -> None:
    api.lists["/api/v1/pods"] = [pod(f"p{index}") for index in range(250)]
    assert len(capacity.read_pods(client)) == 250
    assert api.asked == [PODS] * 3
    wanted = ["status.phase!=Succeeded,status.phase!=Failed"]
    assert all(query["fieldSelector"] == wanted for query in api.queries)


def test_usage(api: Api, client: Client) -> None:
    used = {"cpu": "123456789n", "memory": "100Ki"}
    api.answers |= {
        OF_NODES: (200, {"items": [{"metadata": {"name": "a"}, "usage": used}]}),
        OF_PODS: (
            200,
            {
                "items": [
                    {
                        "metadata": {"namespace": "shop", "name": "x"},
                        "containers": [{"usage": used}, {"usage": used}],
                    }
                ]
            },
        ),
    }
    found = capacity.read_usage(client)
    assert found.reason == ""
    assert found.nodes == {"a": {"cpu": 124, "memory": 102400}}
    assert found.pods == {("shop", "x"): {"cpu": 248, "memory": 204800}}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "not served: the cluster has no metrics-server"),
        (403, "403"),
        (503, "503"),
    ],
)
def test_usage_that_cannot_be_read_has_a_reason(
    api: Api, client: Client, status: int, reason: str
) -> None:
    api.answers[OF_NODES] = (status, {"message": "no"})
    found = capacity.read_usage(client)
    assert reason in found.reason
    assert found.nodes == {}


def test_an_answer_that_makes_no_sense_is_no_silence(api: Api, client: Client) -> None:
    api.lists["/api/v1/nodes"] = [node({}) | {"status": {"allocatable": {"cpu": "much"}}}]
    with pytest.raises(ValueError, match="not a quantity: 'much'"):
        capacity.read_nodes(client)


def test_no_access(api: Api, client: Client) -> None:
    api.answers[PODS] = (403, {"message": "no"})
    with pytest.raises(ApiError):
        capacity.read_pods(client)
