"""Whether a Node can take a pod, judged from these two objects alone.

These are the scheduler's filters that need nothing else: whether the Node is Ready and not
cordoned, taints and tolerations, nodeSelector, required node affinity, and that of volumes (see
volumes.py). Free resources and other pods are ignored: they change, while the obstacles reported
here need a person to act.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable, Mapping

from model import scheduling
from model.api_objects import Object
from ops.kube.conditions import is_ready
from ops.kube.pod import few

# The taint of a cordoned Node.
CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
SHOWN_NODES = 3


def obstacles(pod: Object, nodes: Iterable[Object]) -> str:
    """Return why none of the Nodes can take the pod; "" if one can."""
    return unplaceable({"": pod}, nodes).get("", "")


def unplaceable(pods: Mapping[str, Object], nodes: Iterable[Object]) -> dict[str, str]:
    """Return why none of the Nodes can take a pod, by its key; pods that one can take are omitted.

    The Nodes are read only until each pod can be taken.
    """
    reasons: dict[str, list[str]] = {key: [] for key in pods}
    for node in nodes if reasons else ():
        for key in [*reasons]:
            if reason := obstacle(pods[key], node):
                reasons[key].append(f"{node['metadata']['name']} {reason}")
            else:
                del reasons[key]
        if not reasons:
            break
    return {
        key: few(of_nodes, most=SHOWN_NODES) or "there is no other Node"
        for key, of_nodes in reasons.items()
    }


def obstacle(pod: Object, node: Object) -> str:
    """Return why the Node cannot take the pod, with the Node as the subject; "" if it can."""
    spec = pod["spec"]
    if is_cordoned(node):
        return "is cordoned"
    if not is_ready(node):
        return "is not Ready"
    name, labels = node["metadata"]["name"], node["metadata"].get("labels", {})
    if reason := scheduling.obstacle(spec, name, labels, node["spec"].get("taints", ())):
        return reason
    # Added by volumes.py: a list of terms for each volume.
    for required in pod.get("volumeAffinity", ()):
        if not any(scheduling.matches(term, name, labels) for term in required):
            return "cannot reach its volume"
    return ""


def is_cordoned(node: Object) -> bool:
    """Whether the Node is cordoned, by anyone."""
    return bool(node["spec"].get("unschedulable"))


def tolerates_cordon(pod: Object) -> bool:
    """Whether the scheduler may place the pod on a cordoned Node."""
    return scheduling.tolerates(pod["spec"], CORDON)
