"""New pods on every Node, which connect to each other at their own addresses."""

import json
from itertools import permutations

from tests.e2e.kubectl import Kubectl

IMAGE = "ghcr.io/flannel-io/flannel:v0.28.10"


def assert_pods_talk(cluster: Kubectl) -> None:
    """New pods start on every Node, resolve Services and reach each other; they are gone then."""
    nodes = cluster.node_names()
    for node in nodes:
        cluster("apply", "--filename", "-", stdin=json.dumps(_greeter(node)))
    for node in nodes:
        cluster("wait", "--for=condition=Ready", f"pod/on-{node}", "--timeout=60s")
    addresses = {
        node: cluster("get", "pod", f"on-{node}", "--output", "jsonpath={.status.podIP}")
        for node in nodes
    }
    for here, there in permutations(nodes, 2):
        ask = f"busybox nc -w 5 {addresses[there]} 8080 </dev/null"
        answer = cluster("exec", f"on-{here}", "--", "busybox", "sh", "-c", ask)
        assert answer.strip() == f"hello from {there}"
    api = cluster("get", "service", "kubernetes", "--output", "jsonpath={.spec.clusterIP}")
    for here in nodes:
        name = "kubernetes.default.svc.cluster.local"
        resolved = cluster("exec", f"on-{here}", "--", "busybox", "nslookup", name)
        assert api in resolved.split()
    cluster("delete", "--now", *(f"pod/on-{node}" for node in nodes))


def _greeter(node: str) -> dict[str, object]:
    """A pod on `node` that says hello to everyone who connects."""
    greet = f"while true; do echo hello from {node} | busybox nc -l -p 8080; done"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"on-{node}"},
        "spec": {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "containers": [
                {"name": "main", "image": IMAGE, "command": ["busybox", "sh", "-c", greet]}
            ],
        },
    }
