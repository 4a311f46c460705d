"""Namespaces that a config names: the resources that their pods may use, and a default policy."""

from collections.abc import Iterator
from typing import Any

from model.fleet import Cluster
from model.render.network_policies import default_deny
from model.render.objects import dump
from model.security import NamespaceLimits
from model.well_known import KEEP_ANNOTATION

NAME = "kubeadm-fleet"
LABELS = {"app.kubernetes.io/managed-by": NAME}
Object = dict[str, Any]


def namespaces(cluster: Cluster) -> str:
    """Return the objects as YAML documents; "" if the config names no namespace."""
    found = namespace_objects(cluster)
    return dump(found) if found else ""


def namespace_objects(cluster: Cluster) -> list[Object]:
    """Return the objects."""
    return [each for its in cluster.security.namespaces for each in _objects(its)]


def _objects(its: NamespaceLimits) -> Iterator[Object]:
    yield {
        "apiVersion": "v1",
        "kind": "Namespace",
        # What is in it is not this program's.
        "metadata": {"name": its.name, "annotations": {KEEP_ANNOTATION: "true"}},
    }
    if its.quota:
        yield {**_own("ResourceQuota", its.name), "spec": {"hard": dict(its.quota)}}
    if limits := {key: dict(amounts) for key, amounts in its.limits.items() if amounts}:
        yield {
            **_own("LimitRange", its.name),
            "spec": {"limits": [{"type": "Container", **limits}]},
        }

    if its.default_deny:
        yield {**_own("NetworkPolicy", its.name), "spec": default_deny(dns=True)}


def _own(kind: str, namespace: str) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1" if kind == "NetworkPolicy" else "v1",
        "kind": kind,
        "metadata": {"name": NAME, "namespace": namespace, "labels": dict(LABELS)},
    }
