"""Pods of a Node that was deleted and registered again."""

from typing import Any

from components.resources.rolling.nodes import Nodes
from tests.resources.api_server import Api

NODE = "/api/v1/nodes/worker-0"
PODS = "/api/v1/pods"


def pod(name: str, created: str, **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "creationTimestamp": created}
    return {"metadata": {**metadata, "annotations": annotations} if annotations else metadata}


def test_pods_older_than_their_node_end_and_the_others_stay(api: Api) -> None:
    api.answers[f"GET {NODE}"] = (200, {"metadata": {"creationTimestamp": "2026-11-23T07:47:00Z"}})
    pods = [
        pod("former", "2026-11-23T07:44:00Z"),
        pod("gone", "2026-11-23T07:44:01Z"),
        pod("static", "2026-11-23T07:44:02Z", **{"kubernetes.io/config.mirror": "hash"}),
        pod("present", "2026-11-23T07:47:01Z"),
    ]
    api.answers[f"GET {PODS}"] = (200, {"items": pods})
    api.answers["DELETE /api/v1/namespaces/shop/pods/former"] = (200, {})
    api.answers["DELETE /api/v1/namespaces/shop/pods/gone"] = (404, {"message": "not found"})
    Nodes(api.kubeconfig).end_orphans("worker-0")
    assert [each for each in api.asked if each.startswith("DELETE")] == [
        "DELETE /api/v1/namespaces/shop/pods/former",
        "DELETE /api/v1/namespaces/shop/pods/gone",
    ]
