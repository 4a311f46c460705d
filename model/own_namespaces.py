"""The namespaces whose pods are a part of the machines."""

from model.fleet import NO_POLICY, Cluster

CONTROL_PLANE_NAMESPACE = "kube-system"
# Those of pod networks and policy engines, by config name.
NETWORK_NAMESPACES = {"flannel": "kube-flannel", "calico": "calico-system"}


def network_namespaces(cluster: Cluster) -> tuple[str, ...]:
    """Return the namespaces of the pod network and, if there is one, its policy engine."""
    parts = dict.fromkeys((cluster.network, cluster.network_policy))
    return tuple(NETWORK_NAMESPACES[name] for name in parts if name != NO_POLICY)


def own_namespaces(cluster: Cluster) -> tuple[str, ...]:
    """Return the namespaces of the control plane, the pod network and its policy engine."""
    return (CONTROL_PLANE_NAMESPACE, *network_namespaces(cluster))


def watched_namespaces(network: str) -> tuple[str, ...]:
    """Return the namespaces with what `fleet watch` reads, for a cluster of this pod network."""
    found = NETWORK_NAMESPACES.get(network)
    return (CONTROL_PLANE_NAMESPACE, *([found] if found else []))
