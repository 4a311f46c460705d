"""The health check: what it reports as missing, and when it is repeated."""

from typing import Any

import pytest

from components.providers.health_check import ClusterHealthCheckProvider
from ops.errors import OperatorError
from tests.ops.kube.api_server import Api

NODES = "GET /api/v1/nodes"
PODS = "GET /api/v1/namespaces/kube-system/pods"


def props(api: Api, *nodes: str, **changes: Any) -> dict[str, Any]:
    return {
        "cluster": "cluster1",
        "identity": api.identity,
        "nodes": list(nodes),
        "machine_ids": [f"id of {name}" for name in nodes],
        "rolled": "",
        "deadline_seconds": 0,
        **changes,
    }


def node(name: str, ready: str = "True", **labels: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "message": "container runtime is down"}
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {
            "conditions": [condition],
            "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    }


def pod(name: str, on: str, ready: str = "True") -> dict[str, Any]:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": on},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "probe", "state": {} if ready == "True" else waiting}],
        },
    }


def observed(api: Api, *nodes: str) -> dict[str, Any]:
    found: dict[str, Any] = (
        ClusterHealthCheckProvider().read("id", props(api, *nodes)).outs or {}
    )["observed"]
    return found


def test_a_ready_cluster_is_summarized(api: Api) -> None:
    first = node("a", **{"node-role.kubernetes.io/control-plane": ""})
    api.answers[NODES] = (200, {"items": [first]})
    api.answers[PODS] = (200, {"items": [pod("probe-1", "a")]})
    outs = ClusterHealthCheckProvider().create(props(api, "a")).outs or {}
    assert outs["observed"] == {
        "missing": [],
        "nodes": [
            {
                "name": "a",
                "role": "control-plane",
                "pool": "",
                "version": "v1.36.3",
                "address": "192.0.2.11",
                "ready": True,
            }
        ],
    }


def test_a_node_that_has_not_reported_yet_is_summarized(api: Api) -> None:
    bare = {"metadata": {"name": "b"}, "spec": {}, "status": {}}
    api.answers[NODES] = (200, {"items": [node("a"), bare]})
    api.answers[PODS] = (200, {"items": [pod("probe-1", "a")]})
    assert observed(api, "a")["nodes"][1] == {
        "name": "b",
        "role": "worker",
        "pool": "",
        "version": "",
        "address": "",
        "ready": False,
    }


def test_everything_missing_is_listed(api: Api) -> None:
    api.answers[NODES] = (200, {"items": [node("a", ready="False")]})
    api.answers[PODS] = (200, {"items": [pod("probe-1", "a", ready="False")]})
    missing = observed(api, "a", "b")["missing"]
    assert any("Node a: not Ready: container runtime is down" in line for line in missing)
    assert any("Node b: not registered" in line for line in missing)
    assert any("CoreDNS: no pod is Ready" in line for line in missing)
    assert any("probe pod on a" in line and "ImagePullBackOff" in line for line in missing)
    assert any("probe pod on b: not scheduled" in line for line in missing)


def test_a_timeout_lists_what_is_missing(api: Api) -> None:
    api.answers[NODES] = (200, {"items": []})
    api.answers[PODS] = (200, {"items": []})
    expected = r"cluster1 did not become ready(?s:.*)Node a: not registered"
    with pytest.raises(OperatorError, match=expected):
        ClusterHealthCheckProvider().create(props(api, "a"))


def test_a_refresh_reports_an_unavailable_cluster(api: Api) -> None:
    found = observed(api, "a")
    assert found["nodes"] == []
    assert "https://127.0.0.1" in found["missing"][0]


@pytest.mark.parametrize(
    ("missing", "change", "again"),
    [
        ([], {}, False),
        (["Node a: not Ready"], {}, True),
        ([], {"nodes": ["a", "b"]}, True),
        ([], {"machine_ids": ["another"]}, True),
        ([], {"rolled": "2026-11-23T07:00:00+00:00"}, True),
        ([], {"deadline_seconds": 5}, True),
    ],
)
def test_a_cluster_is_checked_again_after_changes(
    api: Api, missing: list[str], change: dict[str, Any], again: bool
) -> None:
    olds = {**props(api, "a"), "observed": {"nodes": [], "missing": missing}}
    found = ClusterHealthCheckProvider().diff("id", olds, props(api, "a", **change))
    assert found.changes is again
    assert not found.replaces


def test_a_node_that_is_not_in_the_config_is_reported_with_what_to_do(api: Api) -> None:
    """A host that was declared lost came back, and its kubelet registered."""
    api.answers[NODES] = (200, {"items": [node("a"), node("lost")]})
    api.answers[PODS] = (200, {"items": [pod("probe-1", "a")]})
    found = observed(api, "a")
    assert found["missing"] == [], "it does not keep the cluster from being ready"
    (line,) = found["warnings"]
    assert line.startswith("Node lost: not in the config.")
    assert "`kubectl --context cluster1-admin delete node lost`" in line
    leaving = ClusterHealthCheckProvider().create(props(api, "a")).outs or {}
    assert "warnings" not in leaving["observed"], "`up` removes Nodes after its check"
