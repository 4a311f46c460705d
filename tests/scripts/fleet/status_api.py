"""What `fleet status` asks an API for, besides Nodes and pods, as a healthy cluster answers it."""

from typing import Any

from ops.kube.cluster_status import APPS
from tests.ops.kube.api_server import Api

CHANGED = "2026-11-20T08:00:00Z"


def workload(name: str, ready: int = 2, desired: int = 2) -> dict[str, Any]:
    """A DaemonSet that this program has applied."""
    container = {"image": f"registry.example/{name}:v1.2.3@sha256:abc"}
    return {
        "metadata": {
            "name": name,
            "managedFields": [
                {"manager": "kubeadm-fleet", "time": CHANGED},
                {"manager": "kube-controller-manager", "time": "2026-11-26T08:00:00Z"},
            ],
        },
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"desiredNumberScheduled": desired, "numberReady": ready},
    }


def serve(api: Api) -> None:
    """Have an API answer."""
    daemons, deployments, flannel, calico = (f"GET {path}" for path in APPS)
    proxy, dns = workload("kube-proxy"), workload("coredns")
    dns["status"], dns["spec"]["replicas"] = {"readyReplicas": 2}, 2
    api.answers |= {
        "GET /version": (200, {"gitVersion": "v1.36.3"}),
        daemons: (200, {"items": [proxy, workload("kubeadm-fleet-probe"), workload("other")]}),
        deployments: (200, {"items": [dns]}),
        flannel: (200, {"items": [workload("flannel")]}),
        calico: (200, {"items": [workload("calico-node")]}),
    }
