"""Components of control planes that are not Ready."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ops.kube.client import Client
from ops.kube.components import PATIENCE, PODS, SELECTOR, Unready, unready
from tests.ops.kube.api_server import Api

LONG, JUST = PATIENCE + timedelta(seconds=30), PATIENCE - timedelta(seconds=30)


def component(node: str, *, ready: bool, since: datetime, name: str = "etcd") -> dict[str, Any]:
    ready_since = {
        "type": "Ready",
        "status": str(ready),
        "lastTransitionTime": f"{since:%Y-%m-%dT%H:%M:%SZ}",
    }
    return {
        "metadata": {"name": f"{name}-{node}", "labels": {"component": name}},
        "spec": {"nodeName": node},
        "status": {"conditions": [ready_since]},
    }


def test_those_on_known_nodes_are_told_after_a_while(api: Api) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    items = [
        component("n0", ready=True, since=now - LONG),
        component("n1", ready=False, since=now - LONG, name="kube-apiserver"),
        component("n2", ready=False, since=now - JUST),
        component("lost", ready=False, since=now - LONG),
        {"metadata": {"name": "new"}, "spec": {"nodeName": "n0"}, "status": {}},
    ]
    api.answers[f"GET {PODS}"] = (200, {"items": items})
    client = Client(api.kubeconfig, retries=0)
    assert list(unready(client, ["n0", "n1", "n2"])) == [
        Unready("kube-apiserver", "n1", now - LONG)
    ]
    assert api.queries[-1]["labelSelector"] == [SELECTOR]
