"""Which Nodes a pod's spec admits: taints and tolerations, nodeSelector, required node affinity.

These are the scheduler's filters that need a pod and a Node alone.
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
"""

from collections.abc import Iterable, Mapping

from model.api_objects import Object
from model.selectors import meets

HARD_EFFECTS = ("NoSchedule", "NoExecute")
# Taints that a controller derives from readiness and cordons, shortly after they change.
CONTROLLER_TAINTS = tuple(
    f"node.kubernetes.io/{state}" for state in ("not-ready", "unreachable", "unschedulable")
)


def bars(taint: Mapping[str, str]) -> bool:
    """Whether a taint keeps out pods that do not tolerate it, for a reason that is to last."""
    return taint["effect"] in HARD_EFFECTS and taint["key"] not in CONTROLLER_TAINTS


def tolerates(spec: Object, taint: Mapping[str, str]) -> bool:
    """Whether a pod with this spec tolerates a taint."""
    return any(_covers(toleration, taint) for toleration in spec.get("tolerations") or ())


def format_taint(taint: Mapping[str, str]) -> str:
    """Format a taint as kubectl does: key=value:Effect, without `=` if there is no value."""
    value = taint.get("value", "")
    return f"{taint['key']}{f'={value}' if value else ''}:{taint['effect']}"


def obstacle(
    spec: Object, name: str, labels: Mapping[str, str], taints: Iterable[Mapping[str, str]]
) -> str:
    """Return why a Node does not admit a pod, with the Node as the subject; "" if it does."""
    for taint in taints:
        if bars(taint) and not tolerates(spec, taint):
            return f"has the taint {format_taint(taint)}"
    selector = spec.get("nodeSelector") or {}
    if not selector.items() <= labels.items():
        return "does not match its nodeSelector"
    terms = required_terms(spec)
    if terms is not None and not any(matches(term, name, labels) for term in terms):
        return "does not match its node affinity"
    return ""


def required_terms(spec: Object) -> Iterable[Object] | None:
    """Return the terms of a pod's required node affinity; None if it has none."""
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required and (required.get("nodeSelectorTerms") or ())


def matches(term: Object, name: str, labels: Mapping[str, str]) -> bool:
    """Whether a term of a NodeSelector matches a Node; an empty one matches nothing."""
    expressions, names = term.get("matchExpressions") or (), term.get("matchFields") or ()
    fields = {"metadata.name": name}
    return (
        bool(expressions or names)
        and all(meets(expression, labels) for expression in expressions)
        and all(meets(expression, fields) for expression in names)
    )


def _covers(toleration: Mapping[str, str], taint: Mapping[str, str]) -> bool:
    """Whether a toleration matches a taint: no effect means all, no key (with Exists) any key."""
    if toleration.get("effect", "") not in ("", taint["effect"]):
        return False
    if toleration.get("key", "") not in ("", taint["key"]):
        return False
    operator = toleration.get("operator") or "Equal"
    same = toleration.get("value", "") == taint.get("value", "")
    return operator == "Exists" or (operator == "Equal" and same)
