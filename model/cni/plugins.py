"""The CNI plugins: the registry of pod networks, by config name."""

from collections.abc import Callable

from model.cni import flannel
from model.fleet import Cluster

PLUGINS: dict[str, Callable[[Cluster], str]] = {"flannel": flannel.render}


def pod_network(cluster: Cluster) -> str:
    """Return the objects of the cluster's pod network as YAML documents."""
    return PLUGINS[cluster.network](cluster)
