"""A Node seen through the API: whether it is there, and how it leaves.

Leaving follows `kubectl drain`: cordon, evict every pod that a controller will make again
elsewhere (DaemonSet and static pods stay), wait until they are gone, delete the Node. A Node whose
kubelet no longer answers cannot end its pods: they are not waited for.
"""

import json
import time
from typing import TYPE_CHECKING, Any

from components.resources import api
from components.resources.provider import OperatorError

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

Pod = dict[str, Any]

POLL_SECONDS = 0.5
TOO_MANY_REQUESTS = 429
NOT_FOUND = 404


def is_missing(kubeconfig: str, name: str) -> bool:
    """Return whether the API answers and knows no Node of this name."""
    from kubernetes.client import ApiException, CoreV1Api
    from urllib3.exceptions import HTTPError

    try:
        CoreV1Api(api.client(kubeconfig)).read_node(name, _request_timeout=2)
    except ApiException as error:
        return bool(error.status == NOT_FOUND)
    except HTTPError:
        return False
    return False


def remove(kubeconfig: str, name: str, *, deadline_seconds: int) -> None:
    """Drain the Node `name` within the deadline and delete it; a Node that is gone is fine."""
    from kubernetes.client import ApiException, CoreV1Api

    core = CoreV1Api(api.client(kubeconfig))
    try:
        found = core.patch_node(name, {"spec": {"unschedulable": True}})
        if _is_ready(found):
            _evict_all(core, name, deadline_seconds)
        core.delete_node(name)
    except ApiException as error:
        if error.status != NOT_FOUND:
            raise api.explain(error, f"removing Node {name}", kubeconfig) from None
    except OperatorError:
        raise
    except Exception as error:
        raise api.explain(error, f"removing Node {name}", kubeconfig) from None


def _is_ready(found: Any) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in found.status.conditions or ())


def _evict_all(core: "CoreV1Api", name: str, deadline_seconds: int) -> None:
    deadline = time.monotonic() + deadline_seconds
    while pods := _evictable(core, name):
        refusals = [reason for pod in pods if (reason := _evict(core, pod))]
        if time.monotonic() > deadline:
            left = ", ".join(_title(pod) for pod in pods)
            raise OperatorError(
                f"draining Node {name}: after {deadline_seconds} s these pods are still there: "
                f"{left}. {' '.join(refusals)} Make room for them elsewhere or relax the "
                "PodDisruptionBudget that holds them, then run `pulumi up` again."
            )
        time.sleep(POLL_SECONDS)


def _evictable(core: "CoreV1Api", name: str) -> list[Pod]:
    answer: Any = core.list_pod_for_all_namespaces(
        field_selector=f"spec.nodeName={name}", _preload_content=False
    )
    return [pod for pod in json.loads(answer.data)["items"] if not _stays(pod)]


def _stays(pod: Pod) -> bool:
    metadata = pod["metadata"]
    mirrored = "kubernetes.io/config.mirror" in metadata.get("annotations", {})
    owners = metadata.get("ownerReferences", ())
    return mirrored or any(owner["kind"] == "DaemonSet" for owner in owners)


def _evict(core: "CoreV1Api", pod: Pod) -> str | None:
    """Ask for the pod's eviction; return the reason when a disruption budget refuses it."""
    from kubernetes.client import ApiException, V1Eviction, V1ObjectMeta

    metadata = pod["metadata"]
    if "deletionTimestamp" in metadata:
        return None
    name, namespace = metadata["name"], metadata["namespace"]
    eviction = V1Eviction(metadata=V1ObjectMeta(name=name, namespace=namespace))
    try:
        core.create_namespaced_pod_eviction(name, namespace, eviction)
    except ApiException as error:
        if error.status == TOO_MANY_REQUESTS:
            return f"{_title(pod)}: {error.body}"
        if error.status != NOT_FOUND:
            raise
    return None


def _title(pod: Pod) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
