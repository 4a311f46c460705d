"""Volumes of a Node that leaves are detached first, so that its pods' successors can have them."""

from typing import Any

import pytest

from ops.kube import client, retirement
from ops.kube.nodes import Nodes
from tests.ops.kube.api_server import Api
from tests.ops.kube.pod_fixture import NODE, NODE_PATH, PODS_PATH, PodFixture, found, pod

VOLUMES = [{"name": "kubernetes.io/csi/disk.example.org^1", "devicePath": ""}]


def attached(ready: str = "True", **since: Any) -> dict[str, Any]:
    node = found(ready, **since)
    return {**node, "status": {**node["status"], "volumesAttached": VOLUMES}}


def looks_after_the_drain(api: Api) -> int:
    """Retire the Node; return how often it was read after its last pod had gone."""
    retirement.retire(Nodes(client.of(api.kubeconfig)), NODE, deadline_seconds=60, force=False)
    last = max(index for index, asked in enumerate(api.asked) if asked == "GET /api/v1/pods")
    return api.asked[last:].count(f"GET {NODE_PATH}")


def test_volumes_are_detached_before_their_node_is_deleted(api: Api) -> None:
    PodFixture(api, "db")
    api.answers[f"PATCH {NODE_PATH}"] = (200, attached())
    states = iter([attached()] * 4)
    api.answers[f"GET {NODE_PATH}"] = lambda: (200, next(states, found("True")))
    assert looks_after_the_drain(api) > 1
    assert next(states, None) is None


def test_a_node_without_volumes_is_not_waited_for(api: Api) -> None:
    PodFixture(api)
    assert looks_after_the_drain(api) == 0


@pytest.mark.parametrize(
    "answer", [(404, {}), (403, {"message": "no"}), (200, attached("Unknown", seconds=3600))]
)
def test_volumes_that_nobody_detaches_are_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr("ops.kube.liveness.OBSERVED_SECONDS", 0)
    PodFixture(api)
    api.answers[f"PATCH {NODE_PATH}"] = (200, attached())
    before_the_drain = iter([(200, found("True"))])
    api.answers[f"GET {NODE_PATH}"] = lambda: next(before_the_drain, answer)
    assert looks_after_the_drain(api) <= 2


def test_volumes_that_stay_attached_do_not_stop_the_removal(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retirement, "DETACH_SECONDS", 0)
    PodFixture(api)
    api.answers[f"PATCH {NODE_PATH}"] = api.answers[f"GET {NODE_PATH}"] = (200, attached())
    assert looks_after_the_drain(api) == 2


def terminated(**metadata: Any) -> dict[str, Any]:
    """A pod whose containers its kubelet has terminated, and which it has not yet removed."""
    told = pod("db", deletionTimestamp="2026-01-01T00:00:00Z", **metadata)
    return told | {"status": {"phase": "Failed"}}


def test_terminated_pods_are_removed_before_their_node_is(api: Api) -> None:
    pods = PodFixture(api)
    listed = iter([[terminated()]] * 3)
    api.answers[f"GET {PODS_PATH}"] = lambda: (200, {"items": next(listed, [])})
    looks_after_the_drain(api)
    assert next(listed, None) is None
    assert pods.left == {}


def test_a_terminated_pod_with_a_finalizer_is_not_waited_for(api: Api) -> None:
    PodFixture(api)
    kept = terminated(finalizers=["example.org/audit"])
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": [kept]})
    assert looks_after_the_drain(api) == 0


def test_a_terminated_pod_is_not_waited_for_on_a_node_that_stays(api: Api) -> None:
    PodFixture(api)
    api.answers[f"GET {PODS_PATH}"] = (200, {"items": [terminated()]})
    nodes = Nodes(client.of(api.kubeconfig))
    assert retirement.drain(nodes, NODE, deadline_seconds=0, force=False) == ""
