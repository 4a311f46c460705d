"""Valid configs, and a way to change single values."""

import copy
from base64 import b64encode
from typing import Any

from model.artifacts.upstream import downloads
from model.fleet import Cluster
from model.load import load

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN3PyLSbt82YNsctkVNNIgmV3nqjCR+uywpVjv0dK/dL"


def host_key(number: int) -> str:
    """Return a valid public key that differs from those of other numbers."""
    name = b"ssh-ed25519"
    key = number.to_bytes(32)
    fields = b"".join(len(field).to_bytes(4) + field for field in (name, key))
    return f"ssh-ed25519 {b64encode(fields).decode()}"


ABSENT = object()
# The CA of an issuer of tokens.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUPzu3iQFthODtO9r0ZIfDMbVws5AwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFbG9naW4wIBcNMjYxMTI2MTIyODAzWhgPMjEyNjExMDIxMjI4
MDNaMBAxDjAMBgNVBAMMBWxvZ2luMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
qavi+OBJcJ4SO36mKSlgEAR37Y8IPX6lVy3wu5409Hm1/3GPTO2noWOOCanQUMfa
itCT/KWP6oITMZTJxigdoKNTMFEwHQYDVR0OBBYEFEaF5VOaPi1II91D294hh9Ap
B5NKMB8GA1UdIwQYMBaAFEaF5VOaPi1II91D294hh9ApB5NKMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAN5AqgElCW5iKiHQlhFDt4eBo575LNzX
oDKxaBKBr/TNAiA3PKfR6XkE1wSKE1Y2zHMTcNgBVClUK1FdZn1zRy/ieA==
-----END CERTIFICATE-----
"""

CONTAINER: dict[str, Any] = {
    "kubernetesVersion": "1.36.3",
    "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
    "clusters": {
        "cluster1": {
            "labels": {"environment": "dev", "region": "tokyo"},
            "machines": {"subnet": "10.89.1.0/24"},
            "controlPlanes": {"count": 1},
            "workers": {"count": 1},
        },
        "cluster2": {
            "labels": {"environment": "dev", "region": "osaka"},
            "machines": {"subnet": "10.89.2.0/24"},
            "controlPlanes": {"count": 1},
            "workers": {"count": 1},
        },
    },
}

EXISTING: dict[str, Any] = {
    "machines": {
        "driver": "existing",
        "ssh": {
            "user": "ubuntu",
            "sudo": True,
            "bastion": {"host": "bastion.example.com", "user": "jump", "hostKey": HOST_KEY},
        },
    },
    "clusters": {
        "cluster1": {
            "endpoint": {"external": "api.tokyo.example.com:6443"},
            "controlPlanes": {
                "hosts": {
                    "cp-a": {"address": "10.20.1.11", "hostKey": HOST_KEY,
                             "nodeAddress": "192.168.1.11"},
                    "cp-b": {"address": "node12.example.com", "hostKey": host_key(12),
                             "port": 2222, "nodeAddress": "192.168.1.12"},
                    "cp-c": {"address": "10.20.1.13", "hostKey": "insecure-accept-any"},
                }
            },
            "workers": {
                "hosts": {"rack1-a": {"address": "10.20.1.101", "hostKey": host_key(101)}}
            },
        }
    },
}  # fmt: skip


def changed(config: dict[str, Any], *changes: tuple[str, Any]) -> dict[str, Any]:
    """Return a copy with other values at paths such as a/b/0; ABSENT removes one."""
    config = copy.deepcopy(config)
    for path, value in changes:
        *holders, last = path.split("/")
        at: Any = config
        for key in holders:
            at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
        if isinstance(at, list):
            at[int(last)] = value
        elif value is ABSENT:
            del at[last]
        else:
            at[last] = value
    return config


def mirror_sums(mirror: str, version: str = "v1.36.3") -> dict[str, str]:
    """Return `artifacts.sums` of a mirror for machines of one architecture."""
    return {file.address(mirror): "0" * 64 for file in downloads(version, "amd64", mirror)}


def cluster(config: dict[str, Any], *changes: tuple[str, Any]) -> Cluster:
    """Return the first cluster of the config with other values."""
    return load(changed(config, *changes)).clusters[0]


# Each cluster enforces policies.
POLICED = changed(
    CONTAINER,
    *(
        (f"clusters/{name}/networking", {"networkPolicy": "calico"})
        for name in CONTAINER["clusters"]
    ),
)
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
"""
# Whatever may be set to something else than the default is.
SETTINGS = changed(
    CONTAINER,
    ("upgrades", {
        "canaries": [{"region": "osaka"}], "soak": "10m", "maxUnavailable": "25%",
        "drainTimeout": 90, "force": False, "securityUpdates": "20261126T214000Z",
    }),
    ("certificates", {"leaves": "90d", "admin": "8h", "warnBefore": "30d"}),
    ("kubelet", {"maxPods": 200, "evictionHard": {"nodefs.available": "2Gi"}}),
    ("apiServer", {"extraArgs": {"event-ttl": "24h"}, "certSANs": ["*.example.com"]}),
    ("clusters/cluster1/security/tls", {"minVersion": "VersionTLS13"}),
    ("clusters/cluster1/security/images", {"registries": ["registry.example.com", "ghcr.io/a"]}),
    ("clusters/cluster1/security/namespaces", {
        "team-a": {
            "defaultDeny": True,
            "quota": {"requests.memory": "8Gi", "pods": 20},
            "limits": {"default": {"memory": "256Mi"}, "max": {"memory": "1Gi"}},
        },
        "team-b": {},
    }),
    ("clusters/cluster1/upgrades", {
        "drainTimeout": "5m", "force": True, "securityUpdates": "20261203T080000Z",
    }),
    ("clusters/cluster1/authentication", {"issuers": [
        {
            "name": "corporate", "url": "https://login.example.com/realms/one",
            "audiences": ["kubernetes", "fleet"], "usernameClaim": "email",
            "groupsClaim": "groups", "requiredClaims": {"hd": "example.com"},
            "discoveryURL": "https://10.0.0.1/openid-configuration",
            "certificateAuthority": CERTIFICATE,
        },
        {"name": "ci", "url": "https://ci.example.com", "audiences": ["kubernetes"]},
    ]}),
    ("handOff", {"argocd": {"cluster": "cluster1", "role": "cluster-admin"}}),
    ("clusters/cluster1/handOff", {
        "argocd": {"role": "edit", "lifetime": "90d", "annotations": {"example.com/team": "a b"}},
        "flux": {"cluster": "cluster1", "namespace": "apps", "role": "view", "enabled": False},
    }),
    ("clusters/cluster1/networking", {"networkPolicy": "calico"}),
    ("security", {
        "podSecurity": {"warn": "baseline", "exemptNamespaces": ["storage"]},
        "audit": {"log": {"maxSize": 200}},
    }),
    ("clusters/cluster1/security", {
        "secretsEncryption": {
            "provider": "kms",
            "kms": {"name": "vault", "endpoint": "unix:///var/run/kms/kms.sock", "timeout": "5s"},
        },
        "audit": {
            "policy": AUDIT_POLICY, "log": {"maxBackups": 20, "maxAge": 90},
            "webhook": {"kubeconfig": "auditWebhook", "mode": "blocking"},
        },
        "podSecurity": {"enforce": "restricted", "audit": "baseline"},
    }),
    ("clusters/cluster1/certificates", {"leaves": 1200, "kubeletServing": "2h"}),
    ("clusters/cluster1/kubelet", {
        "maxPods": 50, "featureGates": {"NodeSwap": True}, "syncFrequency": "30s",
        "evictionHard": {"memory.available": "200Mi"}, "memorySwap": {"swapBehavior": "NoSwap"},
        "tlsCipherSuites": ["TLS_AES_128_GCM_SHA256"],
    }),
    ("clusters/cluster1/apiServer", {
        "extraArgs": {
            "profiling": "false",
            "enable-admission-plugins": "NodeRestriction,AlwaysPullImages",
        },
        "certSANs": ["api.tokyo.example.com", "192.168.1.10", "10.89.1.11"],
    }),
    ("clusters/cluster1/apiServer/files", {"tracing.yaml": "samplingRatePerMillion: 100\n"}),
    ("clusters/cluster1/apiServer/extraVolumes", [
        {"name": "licences", "hostPath": "/etc/licences", "mountPath": "/licences"},
    ]),
    ("clusters/cluster1/controllerManager", {
        "extraArgs": {"bind-address": "0.0.0.0"},
        "extraVolumes": [{
            "name": "plugins", "hostPath": "/opt/plugins", "mountPath": "/opt/plugins",
            "readOnly": False, "pathType": "DirectoryOrCreate",
        }],
    }),
    ("clusters/cluster1/scheduler", {
        "extraArgs": {"v": "4", "bind-address": "0.0.0.0"},
        "files": {"profiles.yaml": "kind: KubeSchedulerConfiguration"},
    }),
    ("clusters/cluster1/etcd", {"extraArgs": {"quota-backend-bytes": "8589934592"}}),
    ("clusters/cluster1/controlPlanes", {
        "count": 1, "acceptDataLoss": "OPS-123", "labels": {"disk": "fast"}, "taints": [],
    }),
    ("clusters/cluster1/workers", {
        "count": 9, "labels": {"node-role.kubernetes.io/database": "", "disk": "slow"},
        "taints": ["dedicated=database:NoSchedule", "example.com/slow:PreferNoSchedule"],
    }),
)  # fmt: skip

# Hosts behind a proxy, which download through mirrors.
OUTBOUND = changed(
    EXISTING,
    (
        "artifacts",
        {
            "source": "upstream",
            "mirror": "https://mirror.example.com/",
            "sums": mirror_sums("https://mirror.example.com"),
        },
    ),
    ("proxy", {"https": "http://proxy.example.com:3128", "noProxy": [".example.com"]}),
    (
        "registryMirrors",
        {"docker.io": {"url": "https://docker.example.com"}, "gcr.io": {"url": "http://10.0.0.1"}},
    ),
)
