"""What a preview says that drains will delete for good."""

import socket
import time
from typing import Any

import pytest

from ops.kube import client, losses
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODE, NODES_PATH, OTHER, PODS_PATH, found, pod, tainted

OWNED: dict[str, Any] = {
    "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}]
}
DAEMON: dict[str, Any] = {
    "ownerReferences": [{"kind": "DaemonSet", "name": "proxy", "controller": True}]
}
OWNED_BY_NOBODY: dict[str, Any] = {"ownerReferences": [{"kind": "ConfigMap", "name": "web"}]}
SCRATCH: dict[str, Any] = {"volumes": [{"name": "cache", "emptyDir": {"medium": "Memory"}}]}
LASTING: dict[str, Any] = {
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
}
BARE = "pods without a controller deleted permanently"
DATA = "emptyDir data deleted with its pods"


def has(name: str, spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {**pod(name, **metadata), "spec": spec or {}}


def lost(api: Api, *pods: dict[str, Any], leaves: bool = False, other: Any = None) -> str:
    api.answers[f"GET {NODES_PATH}"] = (
        200,
        {"items": [found("True"), other or found("True", OTHER)]},
    )
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": list(pods)})
    return losses.of_drains(client.of(api.kubeconfig), {NODE: leaves}).get(NODE, "")


@pytest.mark.parametrize("leaves", [False, True])
def test_pods_deleted_for_good_are_counted_and_named(api: Api, leaves: bool) -> None:
    pods = (
        has("bare"),
        has("debug", SCRATCH),
        has("adopted", **OWNED_BY_NOBODY),
        has("web", SCRATCH, **OWNED),
        has("db", LASTING, **OWNED),
    )
    assert lost(api, *pods, leaves=leaves) == (
        f"{BARE} (3): shop/bare, shop/debug, shop/adopted; {DATA} (2): shop/debug, shop/web"
    )
    assert {"fieldSelector": [f"spec.nodeName={NODE}"]}.items() <= api.queries[1].items()


def test_a_drain_without_losses_is_left_out(api: Api) -> None:
    pods = (
        has("db", LASTING, **OWNED),
        has("proxy", SCRATCH, **DAEMON),
        has("etcd", SCRATCH, annotations={"kubernetes.io/config.mirror": "1"}),
        has("done", SCRATCH) | {"status": {"phase": "Succeeded"}},
        has("ends", SCRATCH, deletionTimestamp="2026-01-01T00:00:00Z"),
    )
    assert lost(api, *pods) == ""


def test_pods_that_stay_lose_nothing_unless_their_node_leaves(api: Api) -> None:
    alone = "pods that no other Node can take"
    stay = f"{alone} stay and keep running (1): shop/bare"
    assert lost(api, has("bare", SCRATCH), other=tainted()) == stay
    said = f"{BARE} (1): shop/bare; {DATA} (1): shop/bare; {alone} deleted as well (1): shop/bare"
    assert lost(api, has("bare", SCRATCH), other=tainted(), leaves=True) == said


def test_a_long_list_of_pods_is_truncated(api: Api) -> None:
    said = lost(api, *(has(f"bare-{number:02}") for number in range(12)))
    assert said.startswith(f"{BARE} (12): shop/bare-00, ")
    assert said.endswith("shop/bare-09, 2 more")


def test_a_deleted_node_is_left_out(api: Api) -> None:
    api.answers[f"GET {NODES_PATH}"] = (200, {"items": []})
    assert losses.of_drains(client.of(api.kubeconfig), {NODE: True}) == {}


def test_an_unavailable_api_is_asked_once_for_all_nodes(api: Api) -> None:
    api.answers[f"GET {NODES_PATH}"] = (503, {"message": "no etcd"})
    names = [f"{NODE}{number}" for number in range(200)]
    said = losses.of_drains(client.of(api.kubeconfig), dict.fromkeys(names, False))
    assert list(said) == names
    assert set(said.values()) == {
        "what its drain deletes is unknown: 503 Service Unavailable: no etcd"
    }
    assert len(api.asked) == 1


def test_a_silent_endpoint_costs_one_time_out_for_all_nodes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "READ_SECONDS", 0.3)
    names = [f"{NODE}{number}" for number in range(200)]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = api.kubeconfig.split("https://127.0.0.1:")[1].split("\n")[0]
        kubeconfig = api.kubeconfig.replace(server, str(silent.getsockname()[1]))
        began = time.monotonic()
        said = losses.of_drains(client.of(kubeconfig), dict.fromkeys(names, False))
        assert time.monotonic() - began < 2
    assert list(said) == names
    assert all(text.startswith("what its drain deletes is unknown") for text in said.values())
