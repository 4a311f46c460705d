"""Whether a Node can take a pod, judged from these two objects alone.

These are the scheduler's filters that need nothing else: whether the Node is Ready and not
cordoned, taints and tolerations, nodeSelector, required node affinity, and that of volumes (see
volumes.py). Free resources and other pods are ignored: they change, while the obstacles reported
here need a person to act.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable, Mapping

from model.api_objects import Object
from model.selectors import meets
from ops.kube.conditions import is_ready
from ops.kube.pod import few

HARD_EFFECTS = ("NoSchedule", "NoExecute")
# Taints that a controller derives from readiness and cordons, shortly after they change.
CONTROLLER_TAINTS = tuple(
    f"node.kubernetes.io/{state}" for state in ("not-ready", "unreachable", "unschedulable")
)
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
    for taint in node["spec"].get("taints", ()):
        bars = taint["effect"] in HARD_EFFECTS and taint["key"] not in CONTROLLER_TAINTS
        if bars and not _tolerates(spec, taint):
            return f"has the taint {format_taint(taint)}"
    labels = node["metadata"].get("labels", {})
    selector = spec.get("nodeSelector") or {}
    if not selector.items() <= labels.items():
        return "does not match its nodeSelector"
    terms = _required_terms(spec)
    if terms is not None and not any(_matches(term, node) for term in terms):
        return "does not match its node affinity"
    # Added by volumes.py: a list of terms for each volume.
    for required in pod.get("volumeAffinity", ()):
        if not any(_matches(term, node) for term in required):
            return "cannot reach its volume"
    return ""


def is_cordoned(node: Object) -> bool:
    """Whether the Node is cordoned, by anyone."""
    return bool(node["spec"].get("unschedulable"))


def tolerates_cordon(pod: Object) -> bool:
    """Whether the scheduler may place the pod on a cordoned Node."""
    return _tolerates(pod["spec"], CORDON)


def format_taint(taint: Mapping[str, str]) -> str:
    """Format a taint as kubectl does: key=value:Effect, without `=` if there is no value."""
    value = taint.get("value", "")
    return f"{taint['key']}{f'={value}' if value else ''}:{taint['effect']}"


def _tolerates(spec: Object, taint: Mapping[str, str]) -> bool:
    return any(_covers(toleration, taint) for toleration in spec.get("tolerations") or ())


def _covers(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    """Whether a toleration matches a taint: no effect means all, no key (with Exists) any key."""
    if toleration.get("effect", "") not in ("", taint["effect"]):
        return False
    if toleration.get("key", "") not in ("", taint["key"]):
        return False
    operator = toleration.get("operator") or "Equal"
    same = toleration.get("value", "") == taint.get("value", "")
    return operator == "Exists" or (operator == "Equal" and same)


def _required_terms(spec: Object) -> Iterable[Object] | None:
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required and required.get("nodeSelectorTerms", ())


def _matches(term: Object, node: Object) -> bool:
    """Whether a term of a NodeSelector matches; an empty one matches nothing."""
    metadata = node["metadata"]
    labels, fields = metadata.get("labels", {}), {"metadata.name": metadata["name"]}
    expressions, names = term.get("matchExpressions") or (), term.get("matchFields") or ()
    return (
        bool(expressions or names)
        and all(meets(expression, labels) for expression in expressions)
        and all(meets(expression, fields) for expression in names)
    )
