"""What a hardened cluster has beyond the recorded one, until one with the baseline is recorded."""

from dataclasses import replace

import yaml

from model.cis.machine_facts import Document, MachineFacts
from tests.model.cis.good import Spoil, flag, kubelet, mode, owner

SUITES = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
SERVER = "kube-apiserver"
SERVER_FLAGS = {
    "profiling": "false",
    "audit-log-path": "/var/log/kubernetes/audit/audit.log",
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
    "audit-policy-file": "/etc/kubernetes/audit.yaml",
    "admission-control-config-file": "/etc/kubernetes/admission.yaml",
    "encryption-provider-config": "/etc/kubernetes/encryption.yaml",
    "service-account-extend-token-expiration": "false",
    "tls-cipher-suites": SUITES,
}
AUDIT = {
    "rules": [
        {"level": "None", "users": ["system:apiserver"]},
        {
            "level": "Metadata",
            "resources": [
                {"resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
            ],
        },
        {"level": "Request"},
    ]
}
ADMISSION = {
    "plugins": [
        {
            "name": "PodSecurity",
            "configuration": {
                "defaults": {"enforce": "baseline"},
                "exemptions": {"namespaces": ["kube-system", "kube-flannel"]},
            },
        }
    ]
}
KUBELET = {
    "tlsCipherSuites": SUITES.split(","),
    "podPidsLimit": 4096,
    "seccompDefault": True,
    "readOnlyPort": 0,
}


def machine(facts: MachineFacts) -> MachineFacts:
    """Harden a machine."""
    private = (*facts.units, "/var/lib/kubelet/config.yaml")
    network = facts.below("/etc/cni/net.d") + facts.below("/var/lib/cni")
    files = [path for path in network if facts.files[path].kind == "f"]
    return _all(
        facts,
        *(mode(path, 0o600) for path in (*private, *files)),
        *(kubelet(name, value) for name, value in KUBELET.items()),
    )


def control_plane(facts: MachineFacts) -> MachineFacts:
    """Harden a control plane."""
    documents = (
        Document(SERVER, "audit-policy-file", "/etc/kubernetes/audit.yaml", yaml.safe_dump(AUDIT)),
        Document(
            *(SERVER, "admission-control-config-file", "/etc/kubernetes/admission.yaml"),
            yaml.safe_dump(ADMISSION),
        ),
    )
    hardened = _all(
        machine(facts),
        owner("/var/lib/etcd", "etcd:etcd"),
        *(flag(SERVER, name, value) for name, value in SERVER_FLAGS.items()),
        flag("kube-controller-manager", "profiling", "false"),
        flag("kube-scheduler", "profiling", "false"),
    )
    return replace(
        hardened,
        documents=(*hardened.documents, *documents),
        providers=("providers", "secretbox", "identity"),
    )


def _all(facts: MachineFacts, *changes: Spoil) -> MachineFacts:
    for change in changes:
        facts = change(facts)
    return facts
