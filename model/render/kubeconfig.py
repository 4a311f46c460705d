"""Kubeconfigs: one file with a context per cluster."""

import base64
from dataclasses import dataclass, field
from typing import Any

import yaml


@dataclass(frozen=True)
class Context:
    """A user's access to one cluster; `server` is a URL, the rest PEM."""

    cluster: str
    server: str
    ca_pem: str
    client_cert_pem: str
    client_key_pem: str = field(repr=False)
    user: str = "admin"

    @property
    def name(self) -> str:
        """The context's name: `<cluster>-<user>`."""
        return f"{self.cluster}-{self.user}"


def render(contexts: list[Context]) -> str:
    """Return one kubeconfig with all contexts; the first is current."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts[0].name,
        "clusters": [
            _cluster(context.cluster, context.server, context.ca_pem) for context in contexts
        ],
        "contexts": [
            {"name": context.name, "context": {"cluster": context.cluster, "user": context.name}}
            for context in contexts
        ],
        "users": [
            _user(context.name, context.client_cert_pem, context.client_key_pem)
            for context in contexts
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, width=1 << 20)


def _cluster(name: str, server: str, ca_pem: str) -> dict[str, Any]:
    entry = {"server": server, "certificate-authority-data": _encoded(ca_pem)}
    return {"name": name, "cluster": entry}


def _user(name: str, cert_pem: str, key_pem: str) -> dict[str, Any]:
    entry = {"client-certificate-data": _encoded(cert_pem), "client-key-data": _encoded(key_pem)}
    return {"name": name, "user": entry}


def _encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()
