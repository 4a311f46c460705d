"""The objects that give people their access to a cluster: namespaces, roles and bindings.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from collections.abc import Iterator
from typing import Any

from model.fleet import Cluster
from model.own_namespaces import own_namespaces
from model.people import Bound, Grant
from model.render.objects import dump
from model.well_known import KEEP_ANNOTATION

RBAC = "rbac.authorization.k8s.io"
Object = dict[str, Any]


def access_objects(cluster: Cluster) -> str:
    """Return all objects as YAML documents; "" if nobody has access."""
    return dump(list(objects(cluster))) if cluster.bindings else ""


def objects(cluster: Cluster) -> Iterator[Object]:
    """Yield all objects."""
    grants = [grant for bound in cluster.bindings for grant in bound.grants]
    named = {grant.namespace for grant in grants if grant.namespace}
    # The program's own exist, and are its own.
    for namespace in sorted(named - set(own_namespaces(cluster))):
        # What is in it is not this program's.
        yield _object("v1", "Namespace", namespace, annotations={KEEP_ANNOTATION: "true"})
    roles = {grant.role.name: grant.role for grant in grants}
    for role in sorted(roles.values(), key=lambda role: role.name):
        if role.rules:
            rules = [dict(rule) for rule in role.rules]
            yield {**_object(f"{RBAC}/v1", "ClusterRole", role.object_name), "rules": rules}
    for bound in cluster.bindings:
        for grant in bound.grants:
            yield _binding(bound, grant)


def _binding(bound: Bound, grant: Grant) -> Object:
    """Return a binding; its name has the role, which cannot be changed in it."""
    inside = {"namespace": grant.namespace} if grant.namespace else {}
    kind = "RoleBinding" if inside else "ClusterRoleBinding"
    return {
        **_object(f"{RBAC}/v1", kind, f"{bound.prefix}{grant.role.name}", **inside),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": grant.role.object_name},
        "subjects": [
            {"apiGroup": RBAC, "kind": subject.kind, "name": subject.name}
            for subject in bound.subjects
        ],
    }


def _object(version: str, kind: str, name: str, **metadata: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **metadata}}
