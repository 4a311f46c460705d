"""The objects of a cluster that the CIS benchmark is about. No Secret is read."""

from typing import Any

from model.api_objects import Json
from model.cis.cluster_facts import ClusterFacts, pod_facts
from ops.kube.client import Client

RBAC = "/apis/rbac.authorization.k8s.io/v1"
LISTS = {
    "namespaces": "/api/v1/namespaces",
    "service_accounts": "/api/v1/serviceaccounts",
    "roles": f"{RBAC}/roles",
    "cluster_roles": f"{RBAC}/clusterroles",
    "role_bindings": f"{RBAC}/rolebindings",
    "cluster_role_bindings": f"{RBAC}/clusterrolebindings",
    "network_policies": "/apis/networking.k8s.io/v1/networkpolicies",
    "services": "/api/v1/services",
}
# Of each pod only what an item needs is kept: a cluster may have 50,000.
PODS = "/api/v1/pods"


def read(client: Client) -> ClusterFacts:
    """Return what a cluster's objects say; raises ApiError."""
    lists: dict[str, Any] = {
        name: tuple(_without_managers(each) for each in client.pages(path))
        for name, path in LISTS.items()
    }
    return ClusterFacts(**lists, pods=tuple(pod_facts(pod) for pod in client.pages(PODS)))


def _without_managers(entry: Json) -> Json:
    entry["metadata"].pop("managedFields", None)
    return entry
