"""What is declared of a cluster, as plain data, apart from what renders it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model.consistency import facts
from model.consistency.facts import Areas

NAME, ENDPOINT, POD_SUBNET, SERVICE_SUBNET, DOMAIN = (
    *("name", "endpoint", "pod subnet", "Service subnet", "DNS domain"),
)


@dataclass(frozen=True)
class Declared:
    """A cluster's declared items by area, and those of its Nodes.

    Of a document, the fields that are declared; an API adds defaults to others. `complete` are the
    areas of Nodes in which every flag is declared. `basis` has, for items that are not declared,
    a text that follows from what is: clusters in which it differs may differ in the item as well.
    """

    version: str
    areas: Areas = field(default_factory=dict)
    nodes: Mapping[str, Areas] = field(default_factory=dict)
    complete: frozenset[str] = frozenset(facts.COMPONENTS)
    basis: Mapping[tuple[str, str], str] = field(default_factory=dict)


def identity(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return what only this cluster has, from a ClusterConfiguration: `own_values` names it."""
    networking = configuration.get("networking") or {}
    found = {
        NAME: configuration.get("clusterName"),
        ENDPOINT: configuration.get("controlPlaneEndpoint"),
        POD_SUBNET: networking.get("podSubnet"),
        SERVICE_SUBNET: networking.get("serviceSubnet"),
        DOMAIN: networking.get("dnsDomain"),
    }
    return {key: str(value) for key, value in found.items() if value}
