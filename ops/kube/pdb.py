"""The PodDisruptionBudgets of a cluster, by the pods that they hold.

Whoever waits for a budget needs its name: the API's own refusal names it only in its prose.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from model.selectors import matches

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Object = dict[str, Any]


def blocking(client: "ApiClient", pods: Iterable[Object]) -> list[str]:
    """Describe the budgets that hold one of `pods`, each once: name and allowed disruptions."""
    from kubernetes.client import PolicyV1Api

    answer: Any = PolicyV1Api(client).list_pod_disruption_budget_for_all_namespaces(
        _preload_content=False
    )
    pods = list(pods)
    return [
        _described(budget)
        for budget in json.loads(answer.data)["items"]
        if any(_holds(budget, pod) for pod in pods)
    ]


def _holds(budget: Object, pod: Object) -> bool:
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    selector = budget["spec"].get("selector")
    return selector is not None and matches(selector, pod["metadata"].get("labels", {}))


def _described(budget: Object) -> str:
    metadata, status = budget["metadata"], budget.get("status", {})
    return (
        f"{metadata['namespace']}/{metadata['name']} allows "
        f"{status.get('disruptionsAllowed', 0)} disruptions "
        f"({status.get('currentHealthy', 0)} pods are healthy, "
        f"{status.get('desiredHealthy', 0)} must be)"
    )
