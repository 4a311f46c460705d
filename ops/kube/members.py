"""A cluster's Nodes and its kubeadm configuration, as far as clusters are compared by them."""

from dataclasses import dataclass
from typing import Any

import yaml

from model.api_objects import Json
from model.consistency import facts, objects
from model.consistency.facts import Items
from model.consistency.shared_facts import SharedFacts
from ops.errors import OperatorError
from ops.kube import node_status
from ops.kube.apply import FIELD_MANAGER
from ops.kube.client import Client
from ops.kube.cluster_status import CONTROL_PLANE

KUBEADM = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"


@dataclass(frozen=True)
class MemberNode:
    """A Node: `versions` are its items of the area of versions."""

    name: str
    addresses: list[str]
    is_ready: bool
    is_control_plane: bool
    versions: Items


def node(shared: SharedFacts, entry: Json) -> MemberNode:
    """Return a Node of the API."""
    status = node_status.read("", entry, FIELD_MANAGER).status
    architecture = str((entry["status"].get("nodeInfo") or {}).get("architecture", ""))
    values = (status.version, status.runtime, status.kernel, status.os, architecture)
    return MemberNode(
        status.name,
        status.addresses,
        status.ready,
        CONTROL_PLANE in status.roles,
        shared.items(dict(zip(facts.VERSION_ITEMS[1:], values, strict=True))),
    )


def configuration(client: Client) -> dict[str, Any]:
    """Return kubeadm's ClusterConfiguration; {} if kubeadm did not make the cluster."""
    found = client.find(KUBEADM)
    content = ((found or {}).get("data") or {}).get("ClusterConfiguration", "")
    try:
        parsed = yaml.load(content, Loader=objects.Loader)  # noqa: S506
    except yaml.YAMLError:
        raise OperatorError("the ConfigMap kubeadm-config has no YAML") from None
    return dict(parsed) if isinstance(parsed, dict) else {}
