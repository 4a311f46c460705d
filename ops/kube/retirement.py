"""A Node seen through the API: whether it is there, whether it takes pods, and how it leaves.

Leaving follows `kubectl drain` and `kubectl delete node`. A Node that has not been Ready for a
while, or whose kubelet has fallen silent, cannot end its pods: they are asked to go, so that others
take their place, but not waited for; the cluster forgets them with the Node.
https://kubernetes.io/docs/concepts/architecture/garbage-collection/
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ops.errors import OperatorError
from ops.kube import api
from ops.kube.drain import Drain

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

NOT_FOUND = 404
# How long an API is asked again that is away: one of its control planes may just be leaving.
ANSWER_SECONDS = 30
POLL_SECONDS = 0.5
PING_SECONDS = 3
# A kubelet that restarts is silent too, for a second or two, and its Node may not be Ready.
SILENCE_SECONDS = 10.0
# Where something else says as well that the machine is dead.
SHORT_SILENCE_SECONDS = 1.0


def is_missing(kubeconfig: str, name: str) -> bool:
    """Return whether the API answers and knows no Node of this name."""
    api.load()
    from kubernetes.client import ApiException, CoreV1Api
    from urllib3.exceptions import HTTPError

    try:
        CoreV1Api(api.client(kubeconfig)).read_node(name, _request_timeout=2)
    except ApiException as error:
        return bool(error.status == NOT_FOUND)
    except HTTPError:
        return False
    return False


def drain(kubeconfig: str, name: str, *, deadline_seconds: float, force: bool) -> str:
    """Have the pods of a cordoned Node leave within the deadline (see drain.py).

    Return those that stay, since no other Node can take them, and why; "" if there are none.
    """
    return _drain(Drain(kubeconfig, name), kubeconfig, name, deadline_seconds, force=force)


def retire(
    kubeconfig: str,
    name: str,
    *,
    deadline_seconds: float,
    force: bool,
    silence_seconds: float,
) -> str:
    """Drain a Node that is about to go, as far as it still can; a missing one is fine.

    Return the pods that were deleted, since no other Node can take them, and why. Whoever has
    another sign that its machine is dead may take a shorter silence as the second.
    """
    if _cordon(kubeconfig, name) is None:
        return ""
    pulse = _KubeletLiveness(kubeconfig, name, silence_seconds)
    leaving = Drain(kubeconfig, name, leaves=True, is_lost=pulse.is_lost)
    return _drain(leaving, kubeconfig, name, deadline_seconds, force=force)


def drain_policy(kubeconfig: str) -> dict[str, str]:
    """Return how the cluster drains machines now (manifests/baseline/drain.yaml); {} if unknown."""
    asked = ("kubeadm-fleet-drain", "kube-system")
    told = _ask(
        kubeconfig, "reading how to drain", lambda core: core.read_namespaced_config_map(*asked)
    )
    return dict(told.data) if told else {}


def delete(kubeconfig: str, name: str) -> None:
    """Delete the Node; a missing one is fine."""
    _ask(kubeconfig, f"deleting Node {name}", lambda core: core.delete_node(name))


def _cordon(kubeconfig: str, name: str) -> Any:
    change = {"spec": {"unschedulable": True}}
    return _ask(kubeconfig, f"cordoning Node {name}", lambda core: core.patch_node(name, change))


def _drain(
    drain: Drain, kubeconfig: str, name: str, deadline_seconds: float, *, force: bool
) -> str:
    try:
        return drain.run(deadline_seconds=deadline_seconds, force=force)
    except OperatorError:
        raise
    except Exception as error:
        raise api.explain(error, f"draining Node {name}", kubeconfig) from None


def _ask(kubeconfig: str, doing: str, ask: Callable[["CoreV1Api"], Any]) -> Any:
    """Return what the API answers, None for a Node that it does not know."""
    api.load()
    from kubernetes.client import CoreV1Api

    core = CoreV1Api(api.client(kubeconfig))
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return ask(core)
        except Exception as error:
            if getattr(error, "status", None) == NOT_FOUND:
                return None
            if not api.is_unavailable(error) or time.monotonic() > deadline:
                raise api.explain(error, doing, kubeconfig) from None
        time.sleep(POLL_SECONDS)


class _KubeletLiveness:
    """Whether a Node can still end its pods: its kubelet is well, and answers.

    A kubelet's silence shows in its Node only after some 50 seconds, so it is asked itself.
    """

    def __init__(self, kubeconfig: str, name: str, silence_seconds: float) -> None:
        api.load()
        from kubernetes.client import CoreV1Api

        self._core = CoreV1Api(api.client(kubeconfig, retries=0))
        self._name = name
        self._silence = silence_seconds
        self._heard = time.monotonic()

    def is_lost(self) -> bool:
        """Look once."""
        ready = self._is_ready()
        if ready is None or (ready and self._answers()):
            self._heard = time.monotonic()
            return False
        return time.monotonic() - self._heard > self._silence

    def _is_ready(self) -> bool | None:
        """Return whether the Node is there and Ready; None when the API does not say."""
        try:
            found = self._core.read_node(self._name, _request_timeout=PING_SECONDS)
        except Exception as error:
            if getattr(error, "status", None) == NOT_FOUND:
                return False
            if api.is_unavailable(error):
                return None
            raise
        conditions = found.status.conditions if found.status else None
        return any(each.type == "Ready" and each.status == "True" for each in conditions or ())

    def _answers(self) -> bool:
        try:
            self._core.connect_get_node_proxy_with_path(
                self._name, "healthz", _request_timeout=PING_SECONDS
            )
        except Exception as error:
            return not api.is_unavailable(error)
        return True
