"""Draining a Node, as `kubectl drain` does.

A drain covers the pods that are on the Node when it begins, except those that belong to the Node
itself (DaemonSet and static pods): a pod that tolerates everything comes back to a cordoned Node as
often as it is evicted.

A pod that another Node can take (see placement.py) is evicted. The eviction is retried until the
pod's PodDisruptionBudget allows it, so that its replacement is running by then; no budget blocks it
beyond the deadline. After that the drain fails and reports the obstacles; with `force` the
remaining pods are deleted instead, regardless of budgets.

A pod that no other Node can take has nowhere else to go, and no budget would ever allow its
eviction, since its replacement cannot start. On a Node that stays it is left running: containers
survive a restart of their kubelet. On a Node that leaves, it is deleted after all others have gone.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from ops.errors import OperatorError
from ops.kube import pdb, placement
from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.errors import TRANSIENT, ApiError
from ops.wait import NotYet, wait_until

Pod = dict[str, Any]

POLL_SECONDS = 0.5
# Time for a force-deleted pod to terminate, and for its kubelet to report it.
FORCED_GRACE_SECONDS = 10
FORCED_SECONDS = 60
# The status for a blocking budget, and for several budgets on one pod.
BLOCKED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR)
# The pod is gone, or another one has its name.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
FINISHED = ("Succeeded", "Failed")


class Drain:
    """One Node's drain; `leaves`: the Node is removed with its machine.

    `is_lost` says that its kubelet can no longer terminate pods.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        *,
        leaves: bool = False,
        is_lost: Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self._name = name
        self._leaves = leaves
        self._is_lost = is_lost
        # For each covered pod, by UID: why no other Node can take it, "" if one can.
        self._obstacles: dict[str, str] | None = None
        self._stranded: list[Pod] = []
        self._refusals: dict[str, str] = {}
        self._api_error = ""

    def run(self, *, deadline_seconds: float, force: bool) -> str:
        """Drain the Node within the deadline; return the pods with nowhere else to go, and why.

        They are still running, unless the Node leaves. "" if there are none.
        """
        deadline = time.monotonic() + deadline_seconds

        def finish(terminate: Callable[[Pod], None], applies: Callable[[Pod], bool]) -> None:
            left = self._terminate_all(terminate, applies, deadline - time.monotonic())
            if left and force:
                left = self._terminate_all(self._force_delete, applies, FORCED_SECONDS)
            if left or self._api_error:
                raise self._failure(left, deadline_seconds, force=force)

        finish(self._evict, self._can_move)
        if self._leaves and self._stranded:
            finish(self._delete, self._is_stranded)
        return self._describe_stranded()

    def _terminate_all(
        self, terminate: Callable[[Pod], None], applies: Callable[[Pod], bool], seconds: float
    ) -> list[Pod]:
        """Terminate every pod that applies; return the rest. A lost Node has none to wait for."""
        left: list[Pod] = []

        def attempt() -> None:
            nonlocal left
            self._api_error = ""
            try:
                left = [pod for pod in self._pods() if applies(pod)]
                for pod in left:
                    terminate(pod)
            except TRANSIENT as error:
                # Control planes are drained too: the API may be unavailable for a moment.
                self._api_error = str(error)
            if (left or self._api_error) and not self._is_lost():
                raise NotYet
            left, self._api_error = [], ""

        with suppress(TimeoutError):
            wait_until(attempt, seconds, TimeoutError, poll_seconds=POLL_SECONDS)
        return left

    def _pods(self) -> list[Pod]:
        on_node = self._client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={self._name}")
        pods = [pod for pod in on_node if not _belongs_to_node(pod)]
        if self._obstacles is None:
            self._obstacles = self._judge(pods)
            self._stranded = [pod for pod in pods if self._is_stranded(pod)]
        return pods

    def _judge(self, pods: list[Pod]) -> dict[str, str]:
        """Return why no other Node can take each pod; a terminating one goes anyway."""
        if not pods:
            return {}
        nodes = self._client.pages("/api/v1/nodes")
        others = [node for node in nodes if node["metadata"]["name"] != self._name]
        # Before pods are deleted regardless of budgets, wait for a Node that may become Ready
        # again.
        if self._leaves and not all(map(is_ready, others)):
            return {_uid(pod): "" for pod in pods}
        return {
            _uid(pod): "" if _is_terminating(pod) else placement.obstacles(pod, others)
            for pod in pods
        }

    def _can_move(self, pod: Pod) -> bool:
        return (self._obstacles or {}).get(_uid(pod)) == ""

    def _is_stranded(self, pod: Pod) -> bool:
        return bool((self._obstacles or {}).get(_uid(pod)))

    def _describe_stranded(self) -> str:
        """Name the running pods with nowhere else to go, grouped by reason."""
        reasons: dict[str, list[str]] = {}
        for pod in self._stranded:
            if pod["status"].get("phase") not in FINISHED:
                reasons.setdefault((self._obstacles or {})[_uid(pod)], []).append(title(pod))
        return "; ".join(f"{', '.join(pods)} ({why})" for why, pods in reasons.items())

    def _evict(self, pod: Pod) -> None:
        """Request the pod's eviction; record the reason of a refusal."""
        self._refusals.pop(title(pod), None)
        if _is_terminating(pod):
            return
        name = {key: pod["metadata"][key] for key in ("name", "namespace")}
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": name,
            "deleteOptions": _only(pod),
        }
        try:
            self._client.create(f"{_path(pod)}/eviction", eviction)
        except ApiError as error:
            if error.status in BLOCKED or _is_namespace_ending(error):
                self._refusals[title(pod)] = error.message
            elif error.status not in GONE:
                raise

    def _force_delete(self, pod: Pod) -> None:
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None or grace > FORCED_GRACE_SECONDS:
            self._remove(pod, gracePeriodSeconds=FORCED_GRACE_SECONDS)

    def _delete(self, pod: Pod) -> None:
        """Delete the pod with its own grace period."""
        if not _is_terminating(pod):
            self._remove(pod)

    def _remove(self, pod: Pod, **options: int) -> None:
        try:
            self._client.delete(_path(pod), {**_only(pod), **options})
        except ApiError as error:
            if error.status not in GONE:
                raise

    def _failure(self, left: list[Pod], seconds: float, *, force: bool) -> OperatorError:
        server = self._client.access.server
        what = f"draining Node {self._name} at {server} failed: after {seconds:.0f} s"
        if self._api_error:
            return OperatorError(
                f"{what} the API was still unavailable: {self._api_error}. "
                "Repair it and run `fleet up` again; pods that were evicted are not moved back."
            )
        pods = "; ".join(self._state(pod) for pod in left)
        if force:
            return OperatorError(
                f"{what}, and {FORCED_SECONDS} s after they were deleted, these pods were still "
                f"running: {pods}. The kubelet does not terminate them: check `journalctl -u "
                "kubelet` on the machine, then run `fleet up` again."
            )
        blocked = [pod for pod in left if title(pod) in self._refusals]
        budgets = "; ".join(pdb.blocking(self._client, blocked)) if blocked else ""
        reason = f" Blocked by PodDisruptionBudget {budgets}." if budgets else ""
        return OperatorError(
            f"{what} these pods were still running: {pods}.{reason} Make room for them on other "
            "Nodes, relax the budget or delete them (`kubectl delete pod`), then run `fleet up` "
            "again. With `upgrades: {force: true}`, pods that are left after the deadline are "
            "deleted."
        )

    def _state(self, pod: Pod) -> str:
        if refusal := self._refusals.get(title(pod)):
            return f"{title(pod)} (not evicted: {refusal})"
        state = "terminating" if _is_terminating(pod) else "eviction not requested"
        return f"{title(pod)} ({state})"


def title(pod: Pod) -> str:
    """Return the pod's display name: namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _path(pod: Pod) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def _uid(pod: Pod) -> str:
    return str(pod["metadata"]["uid"])


def _only(pod: Pod) -> dict[str, Any]:
    """Return options that identify exactly this pod: a StatefulSet reuses the name."""
    return {"preconditions": {"uid": _uid(pod)}}


def _is_terminating(pod: Pod) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _belongs_to_node(pod: Pod) -> bool:
    metadata = pod["metadata"]
    mirrored = "kubernetes.io/config.mirror" in metadata.get("annotations", {})
    owners = metadata.get("ownerReferences", ())
    return mirrored or any(owner["kind"] == "DaemonSet" for owner in owners)


def _is_namespace_ending(error: ApiError) -> bool:
    """Whether the namespace is terminating: it allows no creation and deletes its pods by itself.

    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
    """
    return error.status == HTTPStatus.FORBIDDEN and any(
        cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ()
    )
