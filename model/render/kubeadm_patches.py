"""kubeadm's patches of the manifests that it renders.

https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/control-plane-flags/#patches
"""

import hashlib
import json

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def patches() -> dict[str, str]:
    """Return the patches by file name.

    By default startup probes run every ten seconds; every second, with the same total time,
    dependents continue at once, such as the kubelet, which reports a static pod only when the API
    server is up.
    """
    return {f"{component}+strategic.yaml": _startup_probe(component) for component in COMPONENTS}


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
