"""A pod as the API returns it: its identity, its owners, and the data that is lost with it."""

from collections.abc import Iterable
from typing import Any

from model.api_objects import Object

# Marks the API's mirror of a static pod, which only its kubelet can terminate.
MIRROR = "kubernetes.io/config.mirror"
FINISHED = ("Succeeded", "Failed")
SHOWN = 10


def title(pod: Object) -> str:
    """Return the pod's display name: namespace/name."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def path(pod: Object) -> str:
    """Return the pod's path in the API."""
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"


def uid(pod: Object) -> str:
    """Return what identifies exactly this pod: a StatefulSet reuses the name."""
    return str(pod["metadata"]["uid"])


def only(pod: Object) -> dict[str, Any]:
    """Return DeleteOptions that apply to this pod, and to no successor of its name."""
    return {"preconditions": {"uid": uid(pod)}}


def is_terminating(pod: Object) -> bool:
    """Whether the pod is being deleted."""
    return "deletionTimestamp" in pod["metadata"]


def has_finished(pod: Object) -> bool:
    """Whether none of its containers runs or will run again.

    A kubelet that terminates a pod reports this before it deletes the object, which a finalizer may
    keep for longer.
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase
    """
    return pod.get("status", {}).get("phase") in FINISHED


def is_mirror(pod: Object) -> bool:
    """Whether this is the API's mirror of a static pod."""
    return MIRROR in pod["metadata"].get("annotations", {})


def belongs_to_node(pod: Object) -> bool:
    """Whether the pod comes and goes with its Node: a static pod, or a DaemonSet's."""
    owners = pod["metadata"].get("ownerReferences", ())
    return is_mirror(pod) or any(owner["kind"] == "DaemonSet" for owner in owners)


def is_bare(pod: Object) -> bool:
    """Whether no controller would recreate the pod."""
    return not any(owner.get("controller") for owner in pod["metadata"].get("ownerReferences", ()))


def has_scratch_data(pod: Object) -> bool:
    """Whether the pod has an emptyDir volume, which ends with it."""
    return any("emptyDir" in volume for volume in pod["spec"].get("volumes") or ())


def titles(pods: Iterable[Object]) -> str:
    """Return the pods' display names, without most of a long list."""
    return few([title(pod) for pod in pods])


def few(items: Iterable[str], separator: str = ", ", most: int = SHOWN) -> str:
    """Join the first items, and count the others."""
    every = list(items)
    more = [f"{len(every) - most} more"] if len(every) > most else []
    return separator.join([*every[:most], *more])
