"""Draining a Node, as `kubectl drain` does.

A drain covers the pods that are on the Node when it begins, except those that belong to the Node
itself (DaemonSet and static pods) and those that have finished: a pod that tolerates everything
comes back to a cordoned Node as often as it is evicted. A pod that does not tolerate the cordon is
covered as well if it comes within the first seconds: the scheduler placed it before it saw the
cordon, often as the successor of the first pod that was evicted.

A pod that another Node can take (see placement.py) is evicted. The eviction is retried until the
pod's PodDisruptionBudget allows it, so that its replacement is running by then; no budget blocks it
beyond the deadline. After that the drain fails and reports the obstacles; with `force` the
remaining pods are deleted instead, regardless of budgets. A refusal concerns its pod alone,
whatever the reason: the others leave meanwhile.

A pod that no other Node can take has nowhere else to go, and no budget would ever allow its
eviction, since its replacement cannot start. On a Node that stays it is left running: containers
survive a restart of their kubelet. So is the only backend of an admission webhook that would refuse
its own successor (webhooks.py). On a Node that leaves, it is deleted after all others have gone.

A Node that is not Ready may come back: the drain waits, beyond its deadline if need be, until it
does or is lost (see liveness.py). A lost Node's pods are asked to go, but not waited for.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus

from model.api_objects import Json
from ops.errors import OperatorError
from ops.kube import pdb, placement, volumes, webhooks
from ops.kube import pod as pods_of
from ops.kube.client import Client
from ops.kube.conditions import is_ready
from ops.kube.errors import TRANSIENT, ApiError
from ops.kube.liveness import Liveness
from ops.kube.pod import title, uid
from ops.wait import NotYet, wait_until

POLL_SECONDS = 0.5
# Time for a force-deleted pod to terminate, and for its kubelet to report it.
FORCED_GRACE_SECONDS = 10
FORCED_SECONDS = 60
# Evictions at a time: an admission webhook may take many seconds for one.
PARALLEL_EVICTIONS = 8
# Limit for what the API asks to wait before another eviction.
RETRY_AFTER_SECONDS = 10.0
# How late a scheduler may see a cordon.
LATE_SECONDS = 10
# Usually the first few Nodes can take every pod.
NODES_PAGE = 50
# The pod is gone, or another one has its name.
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class Drain:
    """One Node's drain; `leaves`: the Node is removed with its machine.

    `report` gets a line when the drain continues beyond its deadline.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        liveness: Liveness,
        *,
        report: Callable[[str], None],
        leaves: bool = False,
    ) -> None:
        self._client = client
        self._name = name
        self._liveness = liveness
        self._report = report
        self._leaves = leaves
        # For each covered pod, by UID: why no other Node can take it, "" if one can.
        self._obstacles: dict[str, str] = {}
        self._stranded: list[Json] = []
        # When the Node's pods were listed first.
        self._began = math.inf
        # Of pods that were not evicted, by UID: why, and when to try again.
        self._refusals: dict[str, str] = {}
        self._not_before: dict[str, float] = {}
        self._api_error = ""

    def run(self, *, deadline_seconds: float, force: bool) -> str:
        """Drain the Node within the deadline; return the pods that no other Node can take, and why.

        They are still running, unless the Node leaves. "" if there are none.
        """
        began = time.monotonic()
        deadline = began + deadline_seconds

        def finish(terminate: Callable[[Json], None], applies: Callable[[Json], bool]) -> None:
            left = self._terminate_all(terminate, applies, deadline - time.monotonic())
            if left and force:
                left = self._terminate_all(self._force_delete, applies, FORCED_SECONDS)
                left = left if self._liveness.seconds_until_lost() == math.inf else []
            elif left and (absence := self._liveness.seconds_until_lost()) < math.inf:
                pods = pods_of.titles(left)
                self._report(f"its Node is not Ready: waiting up to {absence:.0f} s for {pods}")
                left = self._terminate_all(terminate, applies, absence + POLL_SECONDS)
            if left or self._api_error:
                waited = deadline_seconds if force else time.monotonic() - began
                raise self._failure(left, waited, force=force)

        finish(self._evict, self._can_move)
        if self._leaves and self._stranded:
            finish(self._delete, self._is_stranded)
        return self._describe_stranded()

    def _terminate_all(
        self, terminate: Callable[[Json], None], applies: Callable[[Json], bool], seconds: float
    ) -> list[Json]:
        """Terminate every pod that applies; return the rest. A lost Node has none to wait for."""
        left: list[Json] = []

        def attempt() -> None:
            nonlocal left
            self._api_error = ""
            try:
                left = [pod for pod in self._pods() if applies(pod)]
            except TRANSIENT as error:
                # Control planes are drained too: the API may be unavailable for a moment.
                self._api_error = str(error)
            else:
                _on_each(terminate, left)
            if (left or self._api_error) and not self._liveness.is_lost():
                raise NotYet
            left, self._api_error = [], ""

        with suppress(TimeoutError):
            wait_until(
                attempt,
                seconds,
                TimeoutError,
                poll_seconds=POLL_SECONDS,
                stops=f"the drain of {self._name} has not ended, and the Node stays cordoned; "
                "`fleet up` continues",
            )
        return left

    def _pods(self) -> list[Json]:
        on_node = self._client.pages("/api/v1/pods", fieldSelector=f"spec.nodeName={self._name}")
        pods = [pod for pod in on_node if not self._stays(pod)]
        new = [pod for pod in pods if uid(pod) not in self._obstacles and self._covers(pod)]
        self._obstacles |= self._judge(new)
        self._stranded += [pod for pod in new if self._is_stranded(pod)]
        self._began = min(self._began, time.monotonic())
        return pods

    def _stays(self, pod: Json) -> bool:
        """Whether the drain leaves the pod alone, and does not wait for it.

        What a kubelet has terminated it removes a moment later; once its Node is gone, the pod
        would be listed there until the garbage collection finds it.
        """
        if pods_of.belongs_to_node(pod):
            return True
        is_removed_next = pods_of.is_terminating(pod) and not pod["metadata"].get("finalizers")
        return pods_of.has_finished(pod) and not (self._leaves and is_removed_next)

    def _covers(self, pod: Json) -> bool:
        """Whether a pod that was not seen before is covered."""
        elapsed = time.monotonic() - self._began
        return elapsed < 0 or (elapsed < LATE_SECONDS and not placement.tolerates_cordon(pod))

    def _judge(self, pods: list[Json]) -> dict[str, str]:
        """Return why no other Node can take each pod; a terminating one goes anyway."""
        is_any_unready = False

        def others() -> Iterator[Json]:
            nonlocal is_any_unready
            for node in self._client.pages("/api/v1/nodes", limit=NODES_PAGE):
                if node["metadata"]["name"] != self._name:
                    is_any_unready |= not is_ready(node)
                    yield node

        left = [pod for pod in pods if not pods_of.is_terminating(pod)]
        movable = {uid(pod): pod for pod in volumes.with_affinity(self._client, left)}
        unplaceable = placement.unplaceable(movable, others())
        # Before pods are deleted regardless of budgets, wait for a Node that may become Ready
        # again.
        if self._leaves and is_any_unready:
            unplaceable = {}
        judging = webhooks.read(self._client) if left else ()
        sole = webhooks.sole_backends(self._client, judging, left)
        unplaceable = {**sole, **unplaceable}
        return {uid(pod): unplaceable.get(uid(pod), "") for pod in pods}

    def _can_move(self, pod: Json) -> bool:
        return self._obstacles.get(uid(pod)) == ""

    def _is_stranded(self, pod: Json) -> bool:
        return bool(self._obstacles.get(uid(pod)))

    def _describe_stranded(self) -> str:
        """Name the pods that no other Node can take, grouped by reason."""
        reasons: dict[str, list[Json]] = {}
        for pod in self._stranded:
            reasons.setdefault(self._obstacles[uid(pod)], []).append(pod)
        return "; ".join(f"{pods_of.titles(pods)} ({why})" for why, pods in reasons.items())

    def _evict(self, pod: Json) -> None:
        """Request the pod's eviction; record the reason of a refusal."""
        if pods_of.is_terminating(pod) or time.monotonic() < self._not_before.get(uid(pod), 0):
            return
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {key: pod["metadata"][key] for key in ("name", "namespace")},
            "deleteOptions": pods_of.only(pod),
        }
        path = f"{pods_of.path(pod)}/eviction"
        self._request("evicted", pod, lambda: self._client.create(path, eviction))

    def _force_delete(self, pod: Json) -> None:
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None or grace > FORCED_GRACE_SECONDS:
            self._remove(pod, gracePeriodSeconds=FORCED_GRACE_SECONDS)

    def _delete(self, pod: Json) -> None:
        """Delete the pod with its own grace period."""
        if not pods_of.is_terminating(pod):
            self._remove(pod)

    def _remove(self, pod: Json, **options: int) -> None:
        options_of_pod = {**pods_of.only(pod), **options}
        path = pods_of.path(pod)
        self._request("deleted", pod, lambda: self._client.delete(path, options_of_pod))

    def _request(self, what: str, pod: Json, call: Callable[[], object]) -> None:
        """Make a request about one pod; record the reason of a refusal.

        Budgets refuse an eviction (429, or 500 if a pod has several), as do admission webhooks and
        a namespace that is terminating, which deletes its pods by itself: all may pass.
        """
        self._refusals.pop(uid(pod), None)
        try:
            call()
        except ApiError as error:
            if error.status not in GONE:
                wait = min(error.retry_after_seconds, RETRY_AFTER_SECONDS)
                self._not_before[uid(pod)] = time.monotonic() + wait
                self._refusals[uid(pod)] = f"not {what}: {error.message}"

    def _failure(self, left: list[Json], seconds: float, *, force: bool) -> OperatorError:
        server = self._client.access.server
        what = f"draining Node {self._name} at {server} failed: after {seconds:.0f} s"
        if self._api_error:
            return OperatorError(
                f"{what} the API was still unavailable: {self._api_error}. "
                "Fix it and run `fleet up` again; pods that were evicted are not moved back."
            )
        pods = pods_of.few((self._state(pod) for pod in left), "; ")
        refused = [pod for pod in left if uid(pod) in self._refusals]
        if force:
            next_step = (
                "The API refuses their deletion: fix the cause"
                if len(refused) == len(left)
                else "The kubelet does not terminate them: check `journalctl -u kubelet` on the "
                "machine"
            )
            return OperatorError(
                f"{what}, and {FORCED_SECONDS} s after they were deleted, these pods were still "
                f"running: {pods}. {next_step}, then run `fleet up` again."
            )
        return OperatorError(
            f"{what} these pods were still running: {pods}.{self._budgets(refused)} Make room for "
            "them on other Nodes, relax the budget or delete them (`kubectl delete pod`), then run "
            "`fleet up` again. With `upgrades: {force: true}`, pods that are left after the "
            "deadline are deleted."
        )

    def _budgets(self, refused: list[Json]) -> str:
        """Name the budgets that block pods; without an answer the pods are named alone."""
        blocking: list[str] = []
        with suppress(ApiError):
            blocking = pdb.blocking(self._client, refused) if refused else []
        named = pods_of.few(blocking, "; ")
        return f" Blocked by PodDisruptionBudget {named}." if named else ""

    def _state(self, pod: Json) -> str:
        if refusal := self._refusals.get(uid(pod)):
            return f"{title(pod)} ({refusal})"
        if not pods_of.is_terminating(pod):
            return f"{title(pod)} (eviction not requested)"
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        return f"{title(pod)} (terminating{f', grace period {grace} s' if grace else ''})"


def _on_each(terminate: Callable[[Json], None], pods: Sequence[Json]) -> None:
    if pods:
        with ThreadPoolExecutor(max_workers=PARALLEL_EVICTIONS) as pool:
            list(pool.map(terminate, pods))
