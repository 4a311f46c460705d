"""An API that a Service in the cluster serves, as the API servers know it.

Its pods serve with a certificate of the cluster's CA, in a Secret; API servers verify it with the
CAs that its registration (APIService) has.
https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from model.well_known import MANAGED_BY

API_SERVICES = "apiregistration.k8s.io/v1"
# When the certificate begins and ends (ISO 8601), for whoever may not read the Secret.
BEGINS, EXPIRES = (
    "kubeadm-fleet/serving-certificate-begins",
    "kubeadm-fleet/serving-certificate-expires",
)
# Kubernetes suggests these for APIs that are not served by the API server itself.
GROUP_PRIORITY, VERSION_PRIORITY = 100, 100


@dataclass(frozen=True)
class AggregatedApi:
    """An API by group and version, and the Service that serves it."""

    group: str
    version: str
    namespace: str
    service: str

    @property
    def name(self) -> str:
        """The name of its registration."""
        return f"{self.version}.{self.group}"

    @property
    def host(self) -> str:
        """The name that API servers expect in its certificate."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def secret(self) -> str:
        """The name of the Secret with its certificate and key."""
        return f"{self.service}-serving"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of its Secret and its registration."""
        return {"app.kubernetes.io/name": self.service, **MANAGED_BY}


def secret(api: AggregatedApi, shown: str, key: str) -> dict[str, Any]:
    """Return the Secret; `shown` is the certificate and what it is shown with (PEM)."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": api.secret, "namespace": api.namespace, "labels": api.labels},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": _encoded(shown), "tls.key": _encoded(key)},
    }


def registration(
    api: AggregatedApi, authorities: str, begins: datetime, expires: datetime
) -> dict[str, Any]:
    """Return the registration; `authorities` (PEM) verify the certificate."""
    its = described(api)
    dates = {BEGINS: begins.isoformat(), EXPIRES: expires.isoformat()}
    return {
        **its,
        "metadata": {**its["metadata"], "annotations": dates},
        "spec": {**its["spec"], "caBundle": _encoded(authorities)},
    }


def described(api: AggregatedApi) -> dict[str, Any]:
    """Return the registration without what depends on the certificate."""
    return {
        "apiVersion": API_SERVICES,
        "kind": "APIService",
        "metadata": {"name": api.name, "labels": api.labels},
        "spec": {
            "group": api.group,
            "version": api.version,
            "groupPriorityMinimum": GROUP_PRIORITY,
            "versionPriority": VERSION_PRIORITY,
            "service": {"name": api.service, "namespace": api.namespace, "port": 443},
            "insecureSkipTLSVerify": False,
        },
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
