"""The registry of pod networks and of policy engines, by config name.

A policy engine brings the CNI plugin of its Nodes: it decides how pods are connected. Therefore a
network and an engine are one choice for as long as a Node runs pods: see `described`. A network
that enforces policies itself is its own engine.
"""

from collections.abc import Callable

from model.api_objects import Json
from model.cni import calico, calico_vxlan, flannel
from model.fleet import NO_POLICY, Cluster
from model.own_namespaces import network_namespaces
from model.render import objects

PLUGINS: dict[str, Callable[[Cluster], list[Json]]] = {
    "flannel": flannel.render,
    "calico": calico_vxlan.render,
}
POLICY_ENGINES: dict[str, Callable[[Cluster], list[Json]]] = {"calico": calico.render}
POLICY_CHOICES = (*POLICY_ENGINES, NO_POLICY)


def pod_network(cluster: Cluster) -> str:
    """Return the objects of the cluster's pod network and policies as YAML documents."""
    return objects.dump(network_objects(cluster))


def network_objects(cluster: Cluster) -> list[Json]:
    """Return the objects of the cluster's pod network and policies."""
    documents = PLUGINS[cluster.network](cluster)
    if not cluster.enforces_policies:
        return documents
    if cluster.network_policy != cluster.network:
        engine = POLICY_ENGINES[cluster.network_policy](cluster)
        documents = [*flannel.without_plugin(documents), *engine]
    own = [calico.default_deny(name) for name in network_namespaces(cluster)]
    return [*documents, *own]


def described(cluster: Cluster) -> str:
    """Return what a Node's pods are connected by: "flannel", "flannel with calico", "calico"."""
    if cluster.network_policy in (NO_POLICY, cluster.network):
        return cluster.network
    return f"{cluster.network} with {cluster.network_policy}"
