"""Kubernetes label selectors.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
"""

from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a LabelSelector matches; an empty one matches everything."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        meets(each, labels) for each in selector.get("matchExpressions", ())
    )


def meets(requirement: Object, labels: Mapping[str, str]) -> bool:
    """Return whether labels meet one requirement of a LabelSelector or a NodeSelector."""
    operator, values = requirement["operator"], requirement.get("values", ())
    value = labels.get(requirement["key"])
    if operator in ("Gt", "Lt"):
        return value is not None and _compares(operator, value, values[0])
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[str(operator)]


def _compares(operator: str, value: str, limit: str) -> bool:
    """Return whether both are integers and the label's satisfies the limit."""
    try:
        return int(value) > int(limit) if operator == "Gt" else int(value) < int(limit)
    except ValueError:
        return False
