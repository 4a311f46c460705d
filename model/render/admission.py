"""The API servers' AdmissionConfiguration: levels of Pod Security for namespaces without labels.

The versions of the levels are those of the cluster: another Kubernetes version changes what a level
means only when the cluster is upgraded.
https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
"""

import yaml

from model import versions
from model.fleet import Cluster
from model.own_namespaces import own_namespaces


def configuration(cluster: Cluster) -> str:
    """Return the document."""
    pods = cluster.security.pod_security
    version = f"v1.{versions.parse(cluster.kubernetes_version).minor}"
    levels = {"enforce": pods.enforce, "audit": pods.audit, "warn": pods.warn}
    pod_security = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {
            key: value
            for mode, level in levels.items()
            for key, value in ((mode, level), (f"{mode}-version", version))
        },
        "exemptions": {
            "usernames": [],
            "runtimeClasses": [],
            "namespaces": list(dict.fromkeys((*own_namespaces(cluster), *pods.exempt_namespaces))),
        },
    }
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": [{"name": "PodSecurity", "configuration": pod_security}],
        },
        sort_keys=False,
    )
