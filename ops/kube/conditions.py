"""The conditions that an object reports in its status.

https://kubernetes.io/docs/reference/node/node-status/#condition
"""

from model.api_objects import Object


def condition(thing: Object, kind: str) -> Object:
    """Return a condition by its type; an empty one if it is not reported."""
    conditions = thing.get("status", {}).get("conditions", ())
    return next((found for found in conditions if found["type"] == kind), {})


def is_ready(thing: Object) -> bool:
    """Whether a Node or a pod is Ready; false if unknown."""
    return bool(condition(thing, "Ready").get("status") == "True")


def message(thing: Object, kind: str) -> str:
    """Return the message of a condition."""
    found = condition(thing, kind)
    return found.get("message") or found.get("reason") or "no status was reported"
