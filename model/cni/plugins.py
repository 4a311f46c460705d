"""The registry of pod networks and of policy engines, by config name.

A policy engine brings the CNI plugin of its Nodes: it decides how pods are connected. Therefore a
network and an engine are one choice for as long as a Node runs pods: see `described`. A network
that enforces policies itself is its own engine. A cluster without an engine can get one: a rollout
changes the plugin of each Node (`CHANGES`).
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
# What can connect the pods of a running cluster instead of something else, as `described` has both.
# Each Node keeps its plugin until a rollout has drained it. In the other direction the engine would
# have to go on on Nodes that still have its plugin, without the objects that it reads.
CHANGES = frozenset({("flannel", "flannel with calico")})
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


def cni_plugin(cluster: Cluster) -> str:
    """Return what a Node's CNI configuration is named by, which says what connects its pods."""
    if cluster.network_policy == cluster.network:
        return cluster.network
    return "canal" if cluster.enforces_policies else cluster.network


def described(cluster: Cluster) -> str:
    """Return what a Node's pods are connected by: "flannel", "flannel with calico", "calico"."""
    if cluster.network_policy in (NO_POLICY, cluster.network):
        return cluster.network
    return f"{cluster.network} with {cluster.network_policy}"
