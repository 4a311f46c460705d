"""The PodDisruptionBudgets of a cluster, by the pods that they cover.

To resolve a blocked eviction, an operator needs the budget's name: the API's refusal gives it only
in its prose.
"""

from collections.abc import Iterable

from model.api_objects import Json
from model.plural import counted
from model.selectors import matches
from ops.kube.client import Client


def blocking(client: Client, pods: Iterable[Json]) -> list[str]:
    """Describe the budgets that block one of `pods`, each once: name and allowed disruptions."""
    pods = list(pods)
    return [
        _describe(budget)
        for budget in client.pages("/apis/policy/v1/poddisruptionbudgets")
        if any(_covers(budget, pod) for pod in pods)
    ]


def _covers(budget: Json, pod: Json) -> bool:
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    selector = budget["spec"].get("selector")
    return selector is not None and matches(selector, pod["metadata"].get("labels", {}))


def _describe(budget: Json) -> str:
    metadata, status = budget["metadata"], budget.get("status", {})
    return (
        f"{metadata['namespace']}/{metadata['name']} allows "
        f"{counted(status.get('disruptionsAllowed', 0), 'disruption')} "
        f"(healthy pods: {status.get('currentHealthy', 0)}, "
        f"required: {status.get('desiredHealthy', 0)})"
    )
