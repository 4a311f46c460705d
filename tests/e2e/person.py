"""Requests of one person to one cluster, and what its API server says they may do."""

import base64
import ssl
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import yaml

from ops.kube.access import Access
from ops.kube.client import Client
from ops.kube.errors import ApiError

RBAC = "rbac.authorization.k8s.io"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# Verbs with a resource and its subresource, or with a path; some are of the whole cluster.
ACTIONS: dict[str, dict[str, Any]] = {
    "read pods": {"verb": "get", "resource": "pods"},
    "read logs": {"verb": "get", "resource": "pods", "subresource": "log"},
    "read Secrets": {"verb": "get", "resource": "secrets"},
    "run commands": {"verb": "create", "resource": "pods", "subresource": "exec"},
    "deploy": {"verb": "create", "resource": "deployments", "group": "apps"},
    "read bindings": {"verb": "list", "resource": "rolebindings", "group": RBAC},
    "bind roles": {"verb": "create", "resource": "rolebindings", "group": RBAC},
    "read Nodes": {"verb": "list", "resource": "nodes"},
    "delete Nodes": {"verb": "delete", "resource": "nodes"},
    "read metrics": {"verb": "get", "path": "/metrics"},
}


class Person:
    """A user of a cluster, by a kubeconfig of theirs."""

    def __init__(self, kubeconfig: str) -> None:
        self._access = Access.of(kubeconfig)
        self._client = Client(self._access)

    def connect(self) -> HTTPSConnection:
        """Return a connection that stays open between requests."""
        address = urlsplit(self._access.server)
        assert address.hostname
        return HTTPSConnection(address.hostname, address.port, context=self._access.tls, timeout=30)

    def status(self, path: str, server: str = "") -> int:
        """Return the status of the answer, by the API server or by another one."""
        return _status(f"{server or self._access.server}{path}", self._access.tls)

    def allowed(self, namespace: str) -> set[str] | None:
        """Return the actions allowed in a namespace; None if the API server does not know them."""
        try:
            return {name for name in ACTIONS if self._is_allowed(ACTIONS[name], namespace)}
        except ApiError as error:
            assert error.status == HTTPStatus.UNAUTHORIZED, error
            return None

    def _is_allowed(self, action: dict[str, Any], namespace: str) -> bool:
        of_path = "path" in action
        kind = "nonResourceAttributes" if of_path else "resourceAttributes"
        inside = {} if of_path or action["resource"] == "nodes" else {"namespace": namespace}
        review = self._client.create(REVIEWS, {"spec": {kind: {**action, **inside}}})
        return bool(review["status"]["allowed"])


def token_status(kubeconfig: str, token: str, path: str) -> int:
    """Return the status of the answer to a token, by the API server of somebody's kubeconfig."""
    (entry,) = yaml.safe_load(kubeconfig)["clusters"]
    authority = base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    return _status(f"{entry['cluster']['server']}{path}", tls, f"Bearer {token}")


def _status(url: str, tls: ssl.SSLContext, authorization: str = "") -> int:
    headers = {"Authorization": authorization} if authorization else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, context=tls, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
