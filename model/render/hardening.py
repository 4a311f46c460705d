"""Flags and fields with which components are hardened, beyond what kubeadm sets.

https://www.cisecurity.org/benchmark/kubernetes. What a config sets comes first; what is weaker is
an exception (model/weakened_components.py).
"""

from collections.abc import Mapping
from typing import Any

from model.security import CIPHER_SUITES, TLS12, TLS13, Security

_API_SERVER = {
    "profiling": "false",
    "request-timeout": "60s",
    # By default the tokens of pods are accepted for a year instead of an hour: of use to programs
    # that read theirs only once, and to whoever has copied one.
    "service-account-extend-token-expiration": "false",
}
_CONTROLLER_MANAGER = {
    "profiling": "false",
    # By default 12500 pods that ended remain, which etcd and every client that lists pods carry.
    "terminated-pod-gc-threshold": "1000",
}
_SCHEDULER = {"profiling": "false"}
# Some are the kubelet's own defaults, which an audit wants to see.
_KUBELET: Mapping[str, Any] = {
    "readOnlyPort": 0,
    "seccompDefault": True,
    # A fork bomb in one pod must not take the machine's processes, 32768 on small ones.
    "podPidsLimit": 4096,
    # It does not change the kernel's settings, which are those of model/render/kernel.py.
    "protectKernelDefaults": True,
    "makeIPTablesUtilChains": True,
    "streamingConnectionIdleTimeout": "1h",
    "eventRecordQPS": 50,
    "eventBurst": 100,
    # On by default, beside the handlers for logs and exec.
    "enableProfilingHandler": False,
    "enableDebugFlagsHandler": False,
}
_ETCD_VERSIONS = {TLS12: "TLS1.2", TLS13: "TLS1.3"}


def api_server(security: Security) -> dict[str, str]:
    """Return the flags of API servers."""
    return {**_API_SERVER, **tls(security)}


def controller_manager(security: Security) -> dict[str, str]:
    """Return the flags of controller managers."""
    return {**_CONTROLLER_MANAGER, **tls(security)}


def scheduler(security: Security) -> dict[str, str]:
    """Return the flags of schedulers."""
    return {**_SCHEDULER, **tls(security)}


def etcd(security: Security, own: Mapping[str, str]) -> dict[str, str]:
    """Return the flags of etcd beside the config's `own`.

    Beside TLS 1.3, etcd rejects a list of cipher suites.
    """
    version = own.get("tls-min-version", _ETCD_VERSIONS[security.tls.min_version])
    is_13 = version == _ETCD_VERSIONS[TLS13]
    suites = {} if is_13 else {"cipher-suites": ",".join(CIPHER_SUITES)}
    return {"tls-min-version": version, **suites}


def kubelet(security: Security) -> dict[str, Any]:
    """Return the fields of KubeletConfiguration."""
    version = security.tls.min_version
    suites = {} if version == TLS13 else {"tlsCipherSuites": list(CIPHER_SUITES)}
    return {"tlsMinVersion": version, **suites, **_KUBELET}


def tls(security: Security) -> dict[str, str]:
    """Return the flags of those that Kubernetes is made of; the suites of TLS 1.3 are fixed."""
    version = security.tls.min_version
    suites = {} if version == TLS13 else {"tls-cipher-suites": ",".join(CIPHER_SUITES)}
    return {"tls-min-version": version, **suites}
