"""A Node with the pods of a shop, some of which a budget holds."""

from collections.abc import Callable
from typing import Any

from tests.resources.api_server import Answer, Api

NODE = "cluster1-worker-0"
NODE_PATH = f"/api/v1/nodes/{NODE}"
PODS_PATH = "/api/v1/pods"
BUDGETS_PATH = "/apis/policy/v1/poddisruptionbudgets"
PING_PATH = f"{NODE_PATH}/proxy/healthz"


class Shop:
    """Pods on one Node: `left`, by name; `held` ones are not evicted."""

    def __init__(self, api: Api, *names: str, held: dict[str, int] | None = None) -> None:
        self.left = {name: pod(name) for name in names}
        # How often a budget still refuses a pod; -1 for ever.
        self.held = held or {}
        api.answers[f"PATCH {NODE_PATH}"] = (200, found("True"))
        api.answers[f"GET {NODE_PATH}"] = (200, found("True"))
        api.answers[f"GET {PING_PATH}"] = (200, {})
        api.answers[f"GET {PODS_PATH}"] = lambda: (200, {"items": list(self.left.values())})
        for name in names:
            path = f"/api/v1/namespaces/shop/pods/{name}"
            api.answers[f"POST {path}/eviction"] = self._evicts(name)
            api.answers[f"DELETE {path}"] = self._deletes(name)

    def _evicts(self, name: str) -> Callable[[], Answer]:
        def evict() -> Answer:
            if self.held.get(name):
                self.held[name] -= 1
                return 429, {"kind": "Status", "message": "it would break the budget"}
            del self.left[name]
            return 201, {}

        return evict

    def _deletes(self, name: str) -> Callable[[], Answer]:
        def delete() -> Answer:
            del self.left[name]
            return 200, {}

        return delete


def found(ready: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready}
    return {"metadata": {"name": NODE}, "status": {"conditions": [condition]}}


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    labels = {"app": name}
    named = {"name": name, "namespace": "shop", "uid": name, "labels": labels, **metadata}
    return {"metadata": named, "spec": {}, "status": {}}
