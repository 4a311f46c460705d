"""Components of control planes that are not Ready: a load balancer hides that from clients."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from model.api_objects import Json
from ops.kube.client import Client
from ops.kube.conditions import condition

PODS = "/api/v1/namespaces/kube-system/pods"
SELECTOR = "tier=control-plane"
# One that was restarted is Ready again before that, and its kubelet has said so.
PATIENCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Unready:
    """A component on a Node, and since when it is not Ready."""

    name: str
    node: str
    since: datetime


def unready(client: Client, nodes: Collection[str]) -> Iterator[Unready]:
    """Yield those on these Nodes; raise ApiError."""
    for found in client.reduced(PODS, _read, labelSelector=SELECTOR):
        if found and found.node in nodes and client.clock.now() - found.since >= PATIENCE:
            yield found


def _read(pod: Json) -> Unready | None:
    its = condition(pod, "Ready")
    name = pod["metadata"].get("labels", {}).get("component")
    if not name or its.get("status") != "False" or not its.get("lastTransitionTime"):
        return None
    since = datetime.fromisoformat(its["lastTransitionTime"])
    return Unready(name, pod["spec"]["nodeName"], since)
