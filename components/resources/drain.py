"""Emptying a Node, as `kubectl drain` does.

Every pod is evicted that does not belong to the Node itself (DaemonSet and static pods do). A pod
that a PodDisruptionBudget holds is asked for again until the budget gives it free, so that its
others are back by then; no budget can hold it beyond the deadline. After that the drain fails, and
says what was in the way; with `force` what is left is deleted instead, budgets or not.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from components.resources import api, budgets
from components.resources.provider import OperatorError

Pod = dict[str, Any]

POLL_SECONDS = 0.5
# What a pod that is deleted by force has left to end itself, and its kubelet to say so.
FORCED_GRACE_SECONDS = 10
FORCED_SECONDS = 60
NOT_FOUND = 404
CONFLICT = 409
TOO_MANY_REQUESTS = 429
# The API's answer where several budgets hold one pod.
SERVER_ERROR = 500


class Drain:
    """One Node's drain; `is_lost` says that its kubelet can end no pod any more."""

    def __init__(
        self, kubeconfig: str, name: str, *, is_lost: Callable[[], bool] = lambda: False
    ) -> None:
        from kubernetes.client import CoreV1Api

        self._kubeconfig = kubeconfig
        self._name = name
        self._is_lost = is_lost
        self._client = api.client(kubeconfig)
        self._core = CoreV1Api(self._client)
        self._refusals: dict[str, str] = {}
        self._trouble = ""

    def run(self, *, deadline_seconds: float, force: bool) -> None:
        """Evict until nothing is left, or the deadline has passed."""
        left = self._repeat(self._evict, deadline_seconds)
        if left and force:
            left = self._repeat(self._delete, FORCED_SECONDS)
        if left or self._trouble:
            raise self._failure(left, deadline_seconds, force=force)

    def _repeat(self, end: Callable[[Pod], None], seconds: float) -> list[Pod]:
        """Have every pod ended; return those that are left. A lost Node has none to wait for."""
        deadline = time.monotonic() + seconds
        left: list[Pod] = []
        while True:
            self._trouble = ""
            try:
                left = self._pods()
                for pod in left:
                    end(pod)
            except Exception as error:
                # Control planes are drained too: the API may be away for a moment.
                if not api.is_away(error):
                    raise
                self._trouble = str(getattr(error, "body", None) or error)
            if not (left or self._trouble) or self._is_lost():
                self._trouble = ""
                return []
            if time.monotonic() > deadline:
                return left
            time.sleep(POLL_SECONDS)

    def _pods(self) -> list[Pod]:
        answer: Any = self._core.list_pod_for_all_namespaces(
            field_selector=f"spec.nodeName={self._name}", _preload_content=False
        )
        return [pod for pod in json.loads(answer.data)["items"] if not _stays(pod)]

    def _evict(self, pod: Pod) -> None:
        """Ask for the pod's eviction; note why, where that is refused."""
        from kubernetes.client import ApiException, V1Eviction, V1ObjectMeta

        metadata = pod["metadata"]
        self._refusals.pop(title(pod), None)
        if "deletionTimestamp" in metadata:
            return
        name, namespace = metadata["name"], metadata["namespace"]
        # The very pod that was seen: a StatefulSet's next one has the same name.
        options = {"preconditions": {"uid": metadata.get("uid")}}
        eviction = V1Eviction(
            metadata=V1ObjectMeta(name=name, namespace=namespace), delete_options=options
        )
        try:
            self._core.create_namespaced_pod_eviction(name, namespace, eviction)
        except ApiException as error:
            if error.status not in (NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS, SERVER_ERROR):
                raise
            if error.status in (TOO_MANY_REQUESTS, SERVER_ERROR):
                self._refusals[title(pod)] = _message(error)

    def _delete(self, pod: Pod) -> None:
        from kubernetes.client import ApiException

        metadata = pod["metadata"]
        grace = metadata.get("deletionGracePeriodSeconds")
        if grace is not None and grace <= FORCED_GRACE_SECONDS:
            return
        try:
            self._core.delete_namespaced_pod(
                metadata["name"],
                metadata["namespace"],
                grace_period_seconds=FORCED_GRACE_SECONDS,
            )
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise

    def _failure(self, left: list[Pod], seconds: float, *, force: bool) -> OperatorError:
        where = (
            f"draining Node {self._name} at {api.server(self._kubeconfig)}: after {seconds:.0f} s"
        )
        if self._trouble:
            return OperatorError(
                f"{where} the API does not answer: {self._trouble}. Mend it and run `pulumi up` "
                "again: what has left the Node stays away."
            )
        pods = "; ".join(self._state(pod) for pod in left)
        if force:
            return OperatorError(
                f"{where}, and {FORCED_SECONDS} s after they were deleted, these pods are still "
                f"there: {pods}. Their kubelet does not end them: look at `journalctl -u kubelet` "
                "on the machine, then run `pulumi up` again."
            )
        held = [pod for pod in left if title(pod) in self._refusals]
        blocking = "; ".join(budgets.holding(self._client, held)) if held else ""
        budget = f" What holds them: PodDisruptionBudget {blocking}." if blocking else ""
        return OperatorError(
            f"{where} these pods are still there: {pods}.{budget} Make room for them elsewhere, "
            "relax the budget or delete them (`kubectl delete pod`), and run `pulumi up` again. "
            "With `upgrades: {force: true}` what is left after the deadline is deleted."
        )

    def _state(self, pod: Pod) -> str:
        if refusal := self._refusals.get(title(pod)):
            return f"{title(pod)} (not evicted: {refusal})"
        ending = "is ending" if "deletionTimestamp" in pod["metadata"] else "was not asked to end"
        return f"{title(pod)} ({ending})"


def title(pod: Pod) -> str:
    """Name a pod as a person does: namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _stays(pod: Pod) -> bool:
    metadata = pod["metadata"]
    mirrored = "kubernetes.io/config.mirror" in metadata.get("annotations", {})
    owners = metadata.get("ownerReferences", ())
    return mirrored or any(owner["kind"] == "DaemonSet" for owner in owners)


def _message(error: Any) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.body or error)
