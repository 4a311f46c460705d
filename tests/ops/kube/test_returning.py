"""Which pods of a Node are back after its reboot: their objects say Ready all the time."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from ops.kube.client import Client
from ops.kube.returning import RunningPod, missing_pods, ready_pods

NODE = "a-worker-0"


def pod(uid: str, *containers: str, ready: bool = True, **changes: Any) -> dict[str, Any]:
    """A pod with these containers; `changes` are of its status, `terminating` of its metadata."""
    metadata = {"namespace": "kube-system", "name": f"pod-{uid}", "uid": uid}
    if changes.pop("terminating", False):
        metadata["deletionTimestamp"] = "2026-11-26T21:40:00Z"
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [{"containerID": f"containerd://{each}"} for each in containers],
        **changes,
    }
    return {"metadata": metadata, "spec": {}, "status": status}


class Api:
    """The pods of one Node."""

    def __init__(self, *pods: dict[str, Any]) -> None:
        self.pods = pods

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        assert (path, query) == ("/api/v1/pods", {"fieldSelector": f"spec.nodeName={NODE}"})
        yield from self.pods


def ready(*pods: dict[str, Any]) -> dict[str, RunningPod]:
    return ready_pods(cast(Client, Api(*pods)), NODE)


def missing(before: dict[str, RunningPod], *pods: dict[str, Any]) -> list[str]:
    return missing_pods(cast(Client, Api(*pods)), NODE, before)


BEFORE = ready(pod("1", "a", "b"))


def test_only_pods_that_were_ready_are_waited_for() -> None:
    found = ready(
        pod("1", "a"), pod("2", "b", ready=False), pod("3", "c", terminating=True), pod("4")
    )
    assert [*found] == ["1", "4"]
    assert found["1"].title == "kube-system/pod-1"
    assert ready() == {}
    assert missing({}, pod("1", "a")) == []


@pytest.mark.parametrize(
    "now",
    [
        pod("1", "a", "b"),
        pod("1", "c", "b"),
        pod("1", "c", "d", ready=False),
        {**pod("1", "c"), "status": {}},
    ],
    ids=["as before the reboot", "one container is new", "not Ready", "no status"],
)
def test_a_pod_is_back_when_it_is_ready_in_other_containers(now: dict[str, Any]) -> None:
    assert missing(BEFORE, now) == ["kube-system/pod-1"]
    assert missing(BEFORE, pod("1", "c", "d")) == []


@pytest.mark.parametrize(
    "now", [[], [pod("2", "c")], [pod("1", "a", "b", terminating=True)], [pod("1", phase="Failed")]]
)
def test_a_pod_that_does_not_come_back_is_not_waited_for(now: list[dict[str, Any]]) -> None:
    assert missing(BEFORE, *now) == []
