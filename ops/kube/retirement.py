"""Draining a Node, and removing it from its cluster.

Removal follows `kubectl drain` and `kubectl delete node`. A Node that is lost (see liveness.py)
cannot terminate its pods: they are evicted, so that replacements start, but not waited for; the
cluster forgets them with the Node.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

from collections.abc import Callable
from contextlib import suppress

from model.api_objects import Json
from ops.kube.drain import Drain
from ops.kube.errors import TRANSIENT, ApiError
from ops.kube.liveness import Liveness
from ops.kube.nodes import Nodes
from ops.wait import NotYet, wait_until

# Usually seconds. Once a Node is deleted, its volumes are detached by force, but after 6 minutes.
DETACH_SECONDS = 60


def _discard(_line: str) -> None:
    """Report to nobody."""


def drain(
    nodes: Nodes,
    name: str,
    *,
    deadline_seconds: float,
    force: bool,
    report: Callable[[str], None] = _discard,
) -> str:
    """Evict the pods of a cordoned Node within the deadline (see drain.py).

    Return the pods that stay because no other Node can take them, and why; "" if there are none.
    """
    staying = Drain(nodes.client, name, Liveness(nodes.client, name), report=report)
    return _run(staying, nodes, name, deadline_seconds, force=force)


def retire(
    nodes: Nodes,
    name: str,
    *,
    deadline_seconds: float,
    force: bool,
    is_dead: bool = False,
    report: Callable[[str], None] = _discard,
) -> str:
    """Drain a Node that is about to leave, as far as it still can; a missing one is ignored.

    Return the pods that were deleted because no other Node can take them, and why. `is_dead`: there
    is other evidence that its machine does not run.
    """
    cordoned = nodes.cordon_permanently(name)
    if cordoned is None:
        return ""
    liveness = Liveness(nodes.client, name, is_dead=is_dead)
    leaving = Drain(nodes.client, name, liveness, report=report, leaves=True)
    deleted = _run(leaving, nodes, name, deadline_seconds, force=force)
    if _has_volumes(cordoned):
        _await_detached(nodes, name, liveness)
    return deleted


def _await_detached(nodes: Nodes, name: str, liveness: Liveness) -> None:
    """Wait for a while until the volumes of pods that left can be attached to other Nodes."""

    def detached() -> None:
        node = nodes.client.find(f"/api/v1/nodes/{name}")
        if node and _has_volumes(node) and not liveness.is_lost():
            raise NotYet

    with suppress(TimeoutError, ApiError):
        wait_until(detached, DETACH_SECONDS, TimeoutError, passing=TRANSIENT)


def _has_volumes(node: Json) -> bool:
    return bool(node.get("status", {}).get("volumesAttached"))


def _run(drain: Drain, nodes: Nodes, name: str, deadline_seconds: float, *, force: bool) -> str:
    try:
        return drain.run(deadline_seconds=deadline_seconds, force=force)
    except ApiError as error:
        raise nodes.client.explain(f"draining Node {name}", error) from None
