"""A Node with pods, some of which a PodDisruptionBudget covers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ops.kube.api_server import Answer, Api

NODE, OTHER = "cluster1-worker-0", "cluster1-worker-1"
NODE_PATH = f"/api/v1/nodes/{NODE}"
NODES_PATH = "/api/v1/nodes"
PODS_PATH = "/api/v1/pods"
BUDGETS_PATH = "/apis/policy/v1/poddisruptionbudgets"
EVERYTHING = [{"operator": "Exists"}]
PING_PATH = f"{NODE_PATH}/proxy/healthz"


class PodFixture:
    """Pods on one Node: `left`, by name; `held` ones are not evicted. There is another Node."""

    def __init__(self, api: Api, *names: str, held: dict[str, int] | None = None) -> None:
        self.api = api
        self.left: dict[str, dict[str, Any]] = {}
        # How often a budget still refuses a pod; -1 always.
        self.held = held or {}
        # Pods that come to the Node when another one ends.
        self.successors: dict[str, str] = {}
        self.nodes = [found("True"), found("True", OTHER)]
        api.answers[f"GET {NODES_PATH}"] = lambda: (200, {"items": self.nodes})
        api.answers[f"PATCH {NODE_PATH}"] = (200, found("True"))
        api.answers[f"GET {NODE_PATH}"] = (200, found("True"))
        api.answers[f"GET {PING_PATH}"] = (200, {})
        api.answers[f"GET {PODS_PATH}"] = lambda: (200, {"items": list(self.left.values())})
        for name in names:
            self.add(name)

    def add(self, name: str, **spec: Any) -> None:
        """Put a pod on the Node."""
        self.left[name] = {**pod(name), "spec": spec}
        path = f"/api/v1/namespaces/shop/pods/{name}"
        self.api.answers[f"POST {path}/eviction"] = self._evicts(name)
        self.api.answers[f"DELETE {path}"] = self._deletes(name)

    def _evicts(self, name: str) -> Callable[[], Answer]:
        def evict() -> Answer:
            if self.held.get(name):
                self.held[name] -= 1
                return 429, {"kind": "Status", "message": "it would break the budget"}
            self._end(name)
            return 201, {}

        return evict

    def _deletes(self, name: str) -> Callable[[], Answer]:
        def delete() -> Answer:
            self._end(name)
            return 200, {}

        return delete

    def _end(self, name: str) -> None:
        spec = self.left.pop(name)["spec"]
        if spec.get("tolerations") == EVERYTHING:
            # Its controller's next pod comes to the cordoned Node as well.
            self.add(f"{name}+", **spec)
        if successor := self.successors.get(name):
            self.add(successor)


def found(ready: str, name: str = NODE, *, seconds: float = 0, **spec: Any) -> dict[str, Any]:
    """A Node that is Ready, or is not, for so many seconds."""
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since}
    return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": [condition]}}


def tainted(name: str = OTHER) -> dict[str, Any]:
    """A Node that takes nothing ordinary."""
    return found("True", name, taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}])


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    labels = {"app": name}
    named = {"name": name, "namespace": "shop", "uid": name, "labels": labels, **metadata}
    return {"metadata": named, "spec": {}, "status": {}}
