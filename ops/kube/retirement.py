"""Draining a Node, and removing it from its cluster.

Removal follows `kubectl drain` and `kubectl delete node`. A Node that has not been Ready for a
while, or whose kubelet has stopped answering, cannot terminate its pods: they are evicted, so that
replacements start, but not waited for; the cluster forgets them with the Node.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

import time

from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.drain import Drain
from ops.kube.errors import ApiError, Unavailable
from ops.kube.nodes import Nodes

PING_SECONDS = 3
# A restarting kubelet is silent too, for a second or two, and its Node may not be Ready.
SILENCE_SECONDS = 10.0
# Used when there is other evidence that the machine is dead.
SHORT_SILENCE_SECONDS = 1.0


def drain(nodes: Nodes, name: str, *, deadline_seconds: float, force: bool) -> str:
    """Evict the pods of a cordoned Node within the deadline (see drain.py).

    Return the pods that stay because no other Node can take them, and why; "" if there are none.
    """
    return _drain(Drain(nodes.client, name), nodes.client, name, deadline_seconds, force=force)


def retire(
    nodes: Nodes,
    name: str,
    *,
    deadline_seconds: float,
    force: bool,
    silence_seconds: float,
) -> str:
    """Drain a Node that is about to leave, as far as it still can; a missing one is ignored.

    Return the pods that were deleted because no other Node can take them, and why. A caller with
    other evidence that the machine is dead may accept a shorter silence as the second sign.
    """
    if not nodes.cordon_permanently(name):
        return ""
    kubelet = _KubeletLiveness(nodes.client, name, silence_seconds)
    leaving = Drain(nodes.client, name, leaves=True, is_lost=kubelet.is_lost)
    return _drain(leaving, nodes.client, name, deadline_seconds, force=force)


def _drain(drain: Drain, client: Client, name: str, deadline_seconds: float, *, force: bool) -> str:
    try:
        return drain.run(deadline_seconds=deadline_seconds, force=force)
    except ApiError as error:
        raise client.explain(f"draining Node {name}", error) from None


class _KubeletLiveness:
    """Whether a Node can still terminate its pods: its kubelet is healthy and answers.

    A silent kubelet shows in its Node only after some 50 seconds, so the kubelet is asked directly.
    """

    def __init__(self, client: Client, name: str, silence_seconds: float) -> None:
        self._client = client.limited(retries=0, seconds=PING_SECONDS)
        self._path = f"/api/v1/nodes/{name}"
        self._silence = silence_seconds
        self._last_answer = time.monotonic()

    def is_lost(self) -> bool:
        """Check once."""
        ready = self._is_ready()
        if ready is None or (ready and self._answers()):
            self._last_answer = time.monotonic()
            return False
        return time.monotonic() - self._last_answer > self._silence

    def _is_ready(self) -> bool | None:
        """Return whether the Node exists and is Ready; None if the API does not answer."""
        try:
            found = self._client.find(self._path)
        except Unavailable:
            return None
        return found is not None and is_ready(found)

    def _answers(self) -> bool:
        try:
            self._client.text(f"{self._path}/proxy/healthz")
        except Unavailable:
            return False
        except ApiError:
            return True
        return True
