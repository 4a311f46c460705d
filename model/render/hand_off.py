"""What registers a cluster in a tool: an account in the cluster, and a Secret for the tool.

Argo CD: https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#clusters
Flux: https://fluxcd.io/flux/components/kustomize/kustomizations/#kubeconfig-remote-clusters
"""

import base64
import json
from typing import Any

import yaml

from model.api_objects import Json
from model.hand_off import (
    ACCOUNT_NAMESPACE,
    ARGOCD,
    ARGOCD_TYPE,
    Registered,
    Registration,
    secret_name,
)
from model.render.objects import dump
from model.well_known import KEEP_ANNOTATION, MANAGED_BY

RBAC = "rbac.authorization.k8s.io"


def account(registration: Registration) -> str:
    """Return the tool's ServiceAccount and its role, as YAML documents.

    The role is in the binding's name, since it cannot be changed in it.
    """
    name = registration.account
    subject = {"kind": "ServiceAccount", "name": name, "namespace": ACCOUNT_NAMESPACE}
    return dump(
        [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": name, "namespace": ACCOUNT_NAMESPACE},
                "automountServiceAccountToken": False,
            },
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"{name}:{registration.role}"},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": registration.role},
                "subjects": [subject],
            },
        ]
    )


def namespace(registered: Registered) -> str:
    """Return the tool's namespace, which is not this program's."""
    metadata = {"name": registered["namespace"], "annotations": {KEEP_ANNOTATION: "true"}}
    return dump([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])


def secret(registered: Registered, token: str) -> Json:
    """Return the Secret by which the tool knows the cluster."""
    is_argocd = registered["tool"] == ARGOCD
    own = {**MANAGED_BY, **({ARGOCD_TYPE: "cluster"} if is_argocd else {})}
    texts = _argocd(registered, token) if is_argocd else _flux(registered, token)
    metadata: dict[str, Any] = {
        "name": secret_name(registered["tool"], registered["cluster"]),
        "namespace": registered["namespace"],
        "labels": {**registered["labels"], **own},
    }
    if registered["annotations"]:
        metadata["annotations"] = dict(registered["annotations"])
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": {key: _encoded(text) for key, text in texts.items()},
    }


def _argocd(registered: Registered, token: str) -> dict[str, str]:
    config = {
        "bearerToken": token,
        "tlsClientConfig": {"insecure": False, "caData": _encoded(registered["authority"])},
    }
    return {
        "name": registered["cluster"],
        "server": registered["server"],
        "config": json.dumps(config),
    }


def _flux(registered: Registered, token: str) -> dict[str, str]:
    """Return a kubeconfig that names no file and no program."""
    name = registered["cluster"]
    cluster = {
        "server": registered["server"],
        "certificate-authority-data": _encoded(registered["authority"]),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [{"name": name, "user": {"token": token}}],
    }
    return {"value": yaml.safe_dump(document, sort_keys=False, width=1 << 20)}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
