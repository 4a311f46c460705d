"""When a Node is lost: waiting for its pods is no longer useful.

Kubernetes has a rule of its own. A Node whose kubelet is silent for --node-monitor-grace-period
(50 s) is no longer Ready, and its pods tolerate that for `tolerationSeconds` (300 s unless the pod
says otherwise, from the admission plugin DefaultTolerationSeconds). Then they are deleted whatever
their budgets say: what a drain would protect is gone. Until then the Node may be back, as after a
restart of its kubelet or its machine, and budgets and grace periods hold.
https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions

Two things make it known earlier: a person's statement that the machine is out of service, as a
taint, or other evidence that the machine does not run, together with a silent kubelet.
https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
"""

import math
import time
from datetime import UTC, datetime
from http import HTTPStatus

from model.api_objects import Json
from ops.kube.client import Client
from ops.kube.conditions import condition, is_ready
from ops.kube.errors import ApiError, Unavailable

TOLERATION_SECONDS = 300.0
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
# A Node is lost only after it was seen unready for this long, whatever this machine's clock says.
OBSERVED_SECONDS = 10.0
# The same with other evidence. A restarting kubelet is silent too, for a second or two.
OBSERVED_SECONDS_IF_DOWN = 1.0
PING_SECONDS = 3


class Liveness:
    """Whether a Node can still terminate its pods.

    `is_dead`: there is other evidence that its machine does not run, so its kubelet is asked
    directly: the Node itself shows a silent kubelet late.
    """

    def __init__(self, client: Client, name: str, *, is_dead: bool = False) -> None:
        self._client = client.limited(retries=0, seconds=PING_SECONDS)
        self._path = f"/api/v1/nodes/{name}"
        self._is_dead = is_dead
        self._alive = time.monotonic()

    def is_lost(self) -> bool:
        """Check once."""
        return self.seconds_until_lost() <= 0

    def seconds_until_lost(self) -> float:
        """Check once: return how long the Node may still come back; infinite if it is alive.

        A Node is assumed to be alive while the API does not answer.
        """
        try:
            node = self._client.find(self._path)
        except Unavailable:
            node, left = None, math.inf
        else:
            left = self._left(node)
        if left == math.inf:
            self._alive = time.monotonic()
        return left

    def _left(self, node: Json | None) -> float:
        if node is None or _is_out_of_service(node):
            return 0
        observed = time.monotonic() - self._alive
        if self._is_dead:
            if is_ready(node) and self._answers():
                return math.inf
            return OBSERVED_SECONDS_IF_DOWN - observed
        if is_ready(node):
            return math.inf
        return max(TOLERATION_SECONDS - _unready_seconds(node), OBSERVED_SECONDS - observed)

    def _answers(self) -> bool:
        """Whether the kubelet answers; a refusal by the API itself says nothing about it."""
        try:
            self._client.text(f"{self._path}/proxy/healthz")
        except Unavailable as error:
            return error.status == HTTPStatus.TOO_MANY_REQUESTS
        except ApiError:
            return True
        return True


def _is_out_of_service(node: Json) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints", ()))


def _unready_seconds(node: Json) -> float:
    """Return since when the Node is not Ready; one that never reported has no such time."""
    since = condition(node, "Ready").get("lastTransitionTime")
    since = since or node["metadata"]["creationTimestamp"]
    return (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
