"""The pods of a Node that reboots: which were Ready before, and which are not back yet.

Their objects survive the reboot and at first still say Ready. What runs again has other containers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from model.api_objects import Object
from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.pod import has_finished, is_terminating, title, uid

PODS = "/api/v1/pods"


@dataclass(frozen=True)
class RunningPod:
    """A pod that was Ready, and the IDs of its containers."""

    title: str
    containers: frozenset[str]


def ready_pods(client: Client, node: str) -> dict[str, RunningPod]:
    """Return the Node's pods that are Ready, by UID; raises ApiError."""
    return {
        uid(pod): RunningPod(title(pod), _containers(pod))
        for pod in _pods_on(client, node)
        if is_ready(pod) and not is_terminating(pod)
    }


def missing_pods(client: Client, node: str, before: Mapping[str, RunningPod]) -> list[str]:
    """Return which of these pods are not Ready again; none that was deleted, or has finished."""
    found = {uid(pod): pod for pod in _pods_on(client, node)}
    return [
        was.title
        for id_, was in before.items()
        if id_ in found and not _is_back(found[id_], was.containers)
    ]


def _is_back(pod: Object, former: frozenset[str]) -> bool:
    if is_terminating(pod) or has_finished(pod):
        return True
    return is_ready(pod) and not _containers(pod) & former


def _containers(pod: Object) -> frozenset[str]:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return frozenset(status["containerID"] for status in statuses if status.get("containerID"))


def _pods_on(client: Client, node: str) -> list[Object]:
    return [*client.pages(PODS, fieldSelector=f"spec.nodeName={node}")]
