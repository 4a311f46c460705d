"""NetworkPolicies that deny a namespace's pods every connection that nothing else allows.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from typing import Any

from model.api_objects import Json

# The pods of the cluster's DNS, as kubeadm labels them.
_DNS: dict[str, Any] = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
}


def default_deny(*, dns: bool) -> Json:
    """Return the spec of a policy for all pods of a namespace: no connection, or DNS alone."""
    denied = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return {**denied, "egress": [_DNS]} if dns else denied
