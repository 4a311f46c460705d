"""What metrics-server says of a cluster, as kubectl gets it."""

import json
from typing import Any

from tests.e2e.kubectl import Kubectl
from tests.waiting import await_true

NODES = "/apis/metrics.k8s.io/v1beta1/nodes"
REGISTRATION = ("get", "apiservice", "v1beta1.metrics.k8s.io", "--output", "json")
# Its pod has to be there, and to have asked each kubelet once.
SERVED_SECONDS = 90


def nodes(kubectl: Kubectl) -> set[str]:
    """The Nodes of which it knows what they use; none if the API does not serve it."""
    try:
        found = json.loads(kubectl("get", "--raw", NODES))["items"]
    except AssertionError:
        return set()
    return {each["metadata"]["name"] for each in found if each["usage"]["memory"] != "0"}


def await_nodes(kubectl: Kubectl, wanted: set[str], seconds: float = SERVED_SECONDS) -> None:
    """Wait until it knows these Nodes."""
    await_true(lambda: nodes(kubectl) == wanted, "what Nodes use", seconds)


def registration(kubectl: Kubectl) -> dict[str, Any]:
    """How the API servers know it."""
    found: dict[str, Any] = json.loads(kubectl(*REGISTRATION))
    return found


def is_available(kubectl: Kubectl) -> bool:
    """Whether the API servers reach it, and could verify its certificate."""
    conditions = registration(kubectl)["status"]["conditions"]
    return any(each["type"] == "Available" and each["status"] == "True" for each in conditions)
