"""kubeadm's patches of the manifests and of the kubelet's configuration that it renders.

https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/control-plane-flags/#patches
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

KUBELET_PATCH = "kubeletconfiguration+merge.yaml"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def patches() -> dict[str, str]:
    """Return the patches by file name.

    By default startup probes run every ten seconds; every second, with the same total time,
    dependents continue immediately, such as the kubelet, which reports a static pod only when the
    API server is up.
    """
    return {f"{component}+strategic.yaml": _startup_probe(component) for component in COMPONENTS}


def kubelet_patches(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the patch of a machine's own kubelet settings by file name; {} without any.

    Mappings are merged, everything else is replaced (RFC 7386), as a cluster's settings are.
    """
    return {KUBELET_PATCH: yaml.safe_dump(dict(settings))} if settings else {}


def digest() -> str:
    """Return a digest of all patches."""
    return hashlib.sha256(json.dumps(patches()).encode()).hexdigest()[:16]


def _startup_probe(component: str) -> str:
    return f"""\
spec:
  containers:
  - name: {component}
    startupProbe: {{initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 240}}
"""
