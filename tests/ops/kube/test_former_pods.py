"""Pods that are deleted with their Node's former registration or pod network."""

from typing import Any

from ops.kube import client
from ops.kube.nodes import Nodes, Pod
from tests.ops.kube.api_server import Api

NODE = "/api/v1/nodes/worker-0"
PODS = "/api/v1/pods"
BEFORE, BORN, AFTER = (f"2026-11-23T07:{minute}:00Z" for minute in (44, 47, 48))
MIRROR = {"kubernetes.io/config.mirror": "hash"}
DAEMON: dict[str, Any] = {"ownerReferences": [{"kind": "DaemonSet"}]}


def pod(name: str, created: str, *, host: bool = True, phase: str = "Running", **more: Any) -> Any:
    metadata = {"name": name, "namespace": "shop", "uid": f"uid of {name}", **more}
    return {
        "metadata": {**metadata, "creationTimestamp": created},
        "spec": {"hostNetwork": True} if host else {},
        "status": {"phase": phase},
    }


PRESENT = [
    pod("former", BEFORE),
    pod("static", BEFORE, annotations=MIRROR),
    pod("connected", AFTER, host=False),
    pod("flannel", AFTER, **DAEMON),
    pod("done", AFTER, host=False, phase="Succeeded"),
    pod("present", AFTER),
]


def former(api: Api) -> list[str]:
    api.answers[f"GET {PODS}"] = (200, {"items": PRESENT})
    return [each.name for each in Nodes(client.of(api.kubeconfig)).former_pods("worker-0")]


def test_pods_on_the_pod_network_and_pods_older_than_their_node_are_deleted(api: Api) -> None:
    api.answers[f"GET {NODE}"] = (200, {"metadata": {"creationTimestamp": BORN}})
    assert former(api) == ["former", "connected", "flannel"]


def test_only_static_pods_of_a_missing_node_stay(api: Api) -> None:
    assert former(api) == ["former", "connected", "flannel", "done", "present"]


def test_pods_are_deleted_by_uid(api: Api) -> None:
    """As one of their names may have a successor by now."""
    path = "DELETE /api/v1/namespaces/shop/pods"
    for name, status in (("there", 200), ("gone", 404), ("another", 409)):
        api.answers[f"{path}/{name}"] = (status, {})
    pods = [Pod("shop", name, f"uid of {name}") for name in ("another", "gone", "there")]
    Nodes(client.of(api.kubeconfig)).delete_pods("worker-0", pods)
    assert api.asked == [f"{path}/{name}" for name in ("another", "gone", "there")]
    assert api.sent[f"{path}/there"]["preconditions"] == {"uid": "uid of there"}
