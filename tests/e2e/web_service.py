"""A service with two replicas that clients outside of the cluster can query."""

import json
from typing import Any

from tests.e2e.kubectl import Kubectl

NAME = "greeters"
NODE_PORT = 30080
# A terminating pod still answers until every node has removed its endpoint.
LEAVING_SECONDS = 10
IMAGE = "ghcr.io/flannel-io/flannel:v0.28.10"
LABELS = {"app": NAME}

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": NAME},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                # The server does not handle SIGTERM itself.
                "terminationGracePeriodSeconds": LEAVING_SECONDS + 2,
                "topologySpreadConstraints": [
                    {
                        "maxSkew": 1,
                        "topologyKey": "kubernetes.io/hostname",
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": LABELS},
                    }
                ],
                "containers": [
                    {
                        "name": "greeter",
                        "image": IMAGE,
                        "command": ["busybox", "httpd", "-f", "-p", "8080", "-h", "/etc"],
                        "readinessProbe": {
                            "tcpSocket": {"port": 8080},
                            "periodSeconds": 1,
                        },
                        "lifecycle": {"preStop": {"sleep": {"seconds": LEAVING_SECONDS}}},
                    }
                ],
            },
        },
    },
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": NAME},
    "spec": {
        "type": "NodePort",
        "selector": LABELS,
        "ports": [{"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}],
    },
}
# At least one of them is always available, whatever drains a node.
BUDGET: dict[str, Any] = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": NAME},
    "spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}},
}


def start(kubectl: Kubectl) -> None:
    """Have the service, with both replicas ready."""
    for each in (DEPLOYMENT, SERVICE, BUDGET):
        kubectl("apply", "--filename", "-", stdin=json.dumps(each))
    _await(kubectl)


def restart(kubectl: Kubectl) -> None:
    """Replace both replicas, one after another."""
    kubectl("rollout", "restart", f"deployment/{NAME}")
    _await(kubectl)


def _await(kubectl: Kubectl) -> None:
    kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s")


def url(address: str) -> str:
    """Where the service answers, asked at one node."""
    return f"http://{address}:{NODE_PORT}/hostname"
