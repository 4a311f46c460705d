"""The control plane component flags that a config may set.

https://kubernetes.io/docs/reference/command-line-tools-reference/ and
https://etcd.io/docs/v3.6/op-guide/configuration/

kubeadm lets `extraArgs` override any of its own flags. Flags that kubeadm or kubeadm-fleet manages
are rejected here, with the reason; every other flag is the operator's choice.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from model.config.open_mapping import OpenMapping, Violation

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"

_TRUST = "it issues the cluster's certificates and sets their paths"
_KEYS = "it generates the service account keys and sets their paths"
_ETCD = "each API server uses the etcd member on its own machine"
_OWN = "differs per control plane"
_MEMBERS = "etcd membership is managed by kubeadm and kubeadm-fleet"
_LEADER = "without leader election several control planes would act at the same time"
_KUBECONFIG = "kubeadm writes the component's kubeconfig"
_SERVICES = "set networking.serviceSubnet instead"
_PODS = "set networking.podSubnet instead"
_SHARE = "set networking.nodeCidrMaskSize instead"
_ACCESS = "Nodes and administrators are authorized by the modes Node and RBAC"
_TOKENS = "set authentication.issuers instead"
_AUDIT = "set security.audit instead"
_DISK = "only /var/lib/etcd is mounted; data elsewhere would be lost with the pod"

# Managed flags and flag patterns, each with the reason.
API_SERVER = {
    "admission-control-config-file": "set security.podSecurity instead",
    "advertise-address": _OWN,
    "allow-privileged": "kube-proxy and the pod network need privileged pods",
    "anonymous-auth": "health paths alone are answered without a credential",
    "audit-log-maxage": _AUDIT,
    "audit-log-maxbackup": _AUDIT,
    "audit-log-maxsize": _AUDIT,
    "audit-log-path": _AUDIT,
    "audit-policy-file": _AUDIT,
    "audit-webhook-config-file": _AUDIT,
    "audit-webhook-mode": _AUDIT,
    "authentication-config": _TOKENS,
    "authorization-config": _ACCESS,
    "authorization-mode": _ACCESS,
    "bind-address": _OWN,
    "client-ca-file": _TRUST,
    "enable-bootstrap-token-auth": "machines join with client certificates of their Nodes",
    "encryption-provider-config*": "set security.secretsEncryption instead",
    "etcd-cafile": _ETCD,
    "etcd-certfile": _ETCD,
    "etcd-keyfile": _ETCD,
    "etcd-prefix": "the API server would no longer find its stored objects",
    "etcd-servers": _ETCD,
    "etcd-servers-overrides": _ETCD,
    "kubelet-certificate-authority": _TRUST,
    "kubelet-client-certificate": _TRUST,
    "kubelet-client-key": _TRUST,
    "oidc-*": _TOKENS,
    "proxy-client-*": _TRUST,
    "requestheader-*": _TRUST,
    "secure-port": "endpoints and kubeconfigs rely on port 6443",
    "service-account-issuer": "all existing tokens would become invalid immediately",
    "service-account-key-file": _KEYS,
    "service-account-signing-*": _KEYS,
    "service-cluster-ip-range": _SERVICES,
    "shutdown-send-retry-after": "without it a stopping API server lingers, yet accepts no clients",
    "tls-cert-file": f"{_TRUST}; apiServer.certSANs adds names",
    "tls-private-key-file": _TRUST,
}
CONTROLLER_MANAGER = {
    "allocate-node-cidrs": _PODS,
    "authentication-kubeconfig": _KUBECONFIG,
    "authorization-kubeconfig": _KUBECONFIG,
    "client-ca-file": _TRUST,
    "cluster-cidr": _PODS,
    "cluster-name": "set to the cluster's name",
    "cluster-signing-*-file": _TRUST,
    "cluster-signing-duration": "set certificates.leaves instead",
    "kubeconfig": _KUBECONFIG,
    "leader-elect": _LEADER,
    "node-cidr-mask-size": _SHARE,
    "node-cidr-mask-size-*": _SHARE,
    "requestheader-*": _TRUST,
    "root-ca-file": _TRUST,
    "service-account-private-key-file": _KEYS,
    "service-cluster-ip-range": _SERVICES,
    "use-service-account-credentials": "kubeadm's controller roles depend on it",
}
SCHEDULER = {
    "authentication-kubeconfig": _KUBECONFIG,
    "authorization-kubeconfig": _KUBECONFIG,
    "client-ca-file": _TRUST,
    "kubeconfig": _KUBECONFIG,
    "leader-elect": _LEADER,
    "requestheader-*": _TRUST,
}
ETCD = {
    "advertise-client-urls": _OWN,
    "auto-tls": _TRUST,
    "cert-file": _TRUST,
    "client-cert-auth": _TRUST,
    "config-file": "etcd would ignore every other flag",
    "data-dir": _DISK,
    "discovery*": _MEMBERS,
    "force-new-cluster": "it removes all other members",
    "initial-*": _MEMBERS,
    "key-file": _TRUST,
    "listen-client-urls": _OWN,
    "listen-peer-urls": _OWN,
    "name": _OWN,
    "peer-*": _TRUST,
    "trusted-ca-file": _TRUST,
    "wal-dir": _DISK,
}
# The plugin that restricts a kubelet to its own Node. `enable-admission-plugins` overrides
# kubeadm's list, which consists of this plugin.
NODE_RESTRICTION = "NodeRestriction"


def _check(owned: Mapping[str, str], example: str, name: str, value: Any) -> Violation | None:
    if name.startswith("-"):
        plain = name.lstrip("-")
        return Violation(
            "leading dashes", "the flag's name without leading dashes", f'{plain}: "..."'
        )
    if not re.fullmatch(NAME, name):
        return Violation(
            "invalid flag name", "lower-case letters, digits and single dashes", example
        )
    for pattern, reason in owned.items():
        if fnmatchcase(name, pattern):
            return Violation(
                f"managed by kubeadm-fleet ({reason})",
                "a flag that neither kubeadm nor kubeadm-fleet manages",
                example,
            )
    if type(value) is not str or not value.isprintable():
        shown = str(value).lower() if isinstance(value, bool | int) else "..."
        return Violation(
            "not a string", "a single-line string; quote numbers", f'{name}: "{shown[:40]}"'
        )
    return None


def _check_api_server(name: str, value: Any) -> Violation | None:
    wrong = _check(API_SERVER, "event-ttl: 24h", name, value)
    if wrong is not None or not name.endswith("able-admission-plugins"):
        return wrong
    has, wants = NODE_RESTRICTION in value.split(","), name.startswith("enable")
    if name in ("enable-admission-plugins", "disable-admission-plugins") and has != wants:
        return Violation(
            f"without {NODE_RESTRICTION} any Node could modify every other Node",
            f"comma-separated plugins, {'with' if wants else 'without'} {NODE_RESTRICTION}",
            f"{name}: {NODE_RESTRICTION},AlwaysPullImages" if wants else f"{name}: ServiceAccount",
        )
    return None


def _entries(check: Callable[[str, Any], Violation | None]) -> OpenMapping:
    schema = {
        "propertyNames": {"pattern": f"^{NAME}$"},
        "additionalProperties": {"type": "string"},
    }
    return OpenMapping(check, schema)


OF_API_SERVER = _entries(_check_api_server)
OF_CONTROLLER_MANAGER = _entries(
    partial(_check, CONTROLLER_MANAGER, 'terminated-pod-gc-threshold: "500"')
)
OF_SCHEDULER = _entries(partial(_check, SCHEDULER, "bind-address: 0.0.0.0"))
OF_ETCD = _entries(partial(_check, ETCD, 'quota-backend-bytes: "8589934592"'))
