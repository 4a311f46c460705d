"""calico: NetworkPolicy beside another pod network, enforced by Felix on every Node.

Felix watches kinds of Calico's own besides Kubernetes' policies; the API has to serve them, or it
does not start. They are there for Felix: nothing checks what is written into them.
"""

from typing import Any

from model.api_objects import Json
from model.fleet import Cluster
from model.render import network_policies, objects

GROUP = "crd.projectcalico.org"
# What Felix lists and watches with Kubernetes as its store, and addresses by share of a Node:
# felixsyncerv1.go in libcalico-go/lib/backend/syncersv1/felixsyncer of the release.
CLUSTER_KINDS = (
    "BGPConfiguration", "ClusterInformation", "FelixConfiguration", "GlobalNetworkPolicy",
    "GlobalNetworkSet", "HostEndpoint", "IPPool",
)  # fmt: skip
NAMESPACED_KINDS = ("NetworkPolicy", "NetworkSet")


def render(cluster: Cluster) -> list[Json]:
    """Return the objects of the policy engine, in the order in which they are applied."""
    documents = objects.read("cni/calico")
    endpoint = {
        "KUBERNETES_SERVICE_HOST": cluster.endpoint_host,
        "KUBERNETES_SERVICE_PORT": str(cluster.endpoint_port),
    }
    objects.set_environment(documents, endpoint)
    definitions = [_definition(kind, "Cluster") for kind in CLUSTER_KINDS]
    definitions += [_definition(kind, "Namespaced") for kind in NAMESPACED_KINDS]
    return [*definitions, *documents]


def default_deny(namespace: str) -> Json:
    """Return the policy that lets pods of a namespace neither be reached nor connect."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "default-deny", "namespace": namespace},
        "spec": network_policies.default_deny(dns=False),
    }


def _definition(kind: str, scope: str) -> Json:
    singular = kind.lower()
    plural = f"{singular[:-1]}ies" if singular.endswith("y") else f"{singular}s"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": singular}
    schema: dict[str, Any] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": scope, "versions": [version]},
    }
