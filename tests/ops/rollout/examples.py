"""A rollout's inputs for a cluster of three control planes and three workers."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from model.pki import certificates, leaves, serving, trust
from model.pki.serving import ServingCertificate
from ops.kube.node import Node
from ops.rollout import preview
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import AppliedState, ObservedMachine

CLUSTER = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
apiServer:
  extraArgs:
  - {name: profiling, value: "false"}
"""
AUTHORITY = certificates.new_authority("kubernetes", timedelta(days=3650))
KUBELET = "kind: KubeletConfiguration\nmaxPods: 110\n"
# What encrypts Secrets.
WRITER = "secretbox key-1"
FILE = "/var/lib/kubelet/config.yaml"
ISSUER = certificates.key_identifier(AUTHORITY.cert_pem)


def inputs(**changes: Any) -> Any:
    """Return the inputs with some of them changed."""
    machines: dict[str, dict[str, Any]] = {
        **{f"a-control-plane-{n}": _machine("control-plane", n) for n in range(3)},
        **{f"a-worker-{n}": _machine("worker", 100 + n) for n in range(3)},
    }
    props = {
        "urn": "",
        "cluster": "a",
        "version": "v1.36.3",
        "cluster_document": CLUSTER,
        "kubelet_document": KUBELET,
        "patches": "p1",
        "client_file": "f1",
        "client_set": "s1",
        "people": ["alice"],
        "client_authorities": "the CA",
        "front_proxy_set": "p1",
        "secrets_digest": "x1",
        "encryption": {"provider": "secretbox", "plugin": ""},
        "writer": WRITER,
        "encryption_keys": 1,
        "api_server_secrets": "encryption.yaml\tsecret",
        "rotations": {},
        "acknowledged": "",
        "immediate": "",
        "trusted": {"control-plane": "t1", "worker": "w1"},
        "signers": {
            "ca": ISSUER,
            "etcd-ca": "e1",
            "front-proxy-ca": "p1",
            "service-account": "a1",
        },
        "trust": dict.fromkeys(trust.SETTINGS, "PEM"),
        "machines": machines,
        "machine_ids": {name: f"id of {name}" for name in machines},
        "issuer_key": ISSUER,
        "serving_seconds": 30 * 86400.0,
        "security_updates": "",
        "supplements": ["calico"],
        "plugin": "flannel",
        "shared_login": {"port": 22, "user": "root", "sudo": False},
        "logins": {name: {"host": each["address"]} for name, each in machines.items()},
        "identity": {"stack": "test", "cluster": "a", "server": "", "authority": ""},
        "authority": {"cert_pem": AUTHORITY.cert_pem, "key_pem": AUTHORITY.key_pem},
        "policy": {"max_unavailable": 1, "pool_limits": {}, "drain_seconds": 60, "force": False},
        "held_by": [],
        "waiting": {},
        "wanted": {},
        "unfinished": "",
        "recorded": "",
    }
    return copy.deepcopy({**props, **changes})


def _machine(role: str, number: int) -> dict[str, Any]:
    taints = ["node-role.kubernetes.io/control-plane:NoSchedule"] if role != "worker" else []
    parts = {"containerd": "c1", "kubelet": "k1", "drift": "d1"}
    if role != "worker":
        parts |= {"kubeadm": "a1", "components": "n1", "load-balancer": "l1", "renewal": "r1"}
    return {
        "role": role,
        "address": f"10.0.0.{number}",
        "labels": {},
        "taints": taints,
        "files": {"table": "t1", "parts": parts},
    }


def with_parts(*roles: str, **parts: str) -> Any:
    """Return the inputs with other files on machines of these roles, or of all."""
    props = inputs()
    for machine in props["machines"].values():
        if not roles or machine["role"] in roles:
            machine["files"]["parts"] |= {key.replace("_", "-"): parts[key] for key in parts}
    return props


def plan(olds: Any, news: Any, drift: preview.Drift) -> dict[str, str]:
    """Return the plan for a change of the inputs."""
    return preview.plan(ClusterChange.of(olds, news), drift)


def wanted(name: str = "a-worker-0", **changes: Any) -> DesiredMachine:
    """Return one machine of the inputs."""
    return DesiredCluster.of(inputs(**changes)).by_name[name]


def serving_certificate(
    like: DesiredMachine, *, age_days: float = 10, days: float = 30
) -> ServingCertificate:
    """Return the certificate of the machine's kubelet at an age, valid for some days."""
    begins = datetime.now(UTC) - timedelta(days=age_days)
    return ServingCertificate(
        issuer=like.signers["ca"],
        names=serving.names_of(like.name, like.address),
        begins=begins,
        expires=begins + timedelta(days=days),
        is_paired=True,
    )


def issuers(like: DesiredMachine) -> dict[str, str]:
    """Return the issuers of the leaves that the machine is to have."""
    names = leaves.LEAVES if like.is_control_plane else [leaves.KUBELET_CLIENT]
    return {name: leaves.wanted(name, like.signers) for name in names}


def found(like: DesiredMachine, **changes: Any) -> ObservedMachine:
    """Return a machine that is what is wanted, except for the changes."""
    node = Node(
        ready=True,
        cordoned=False,
        labels=dict(like.labels),
        taints=like.taints,
        our_labels=tuple(like.labels),
        our_taints=like.taints,
    )
    services = {"containerd": "active", "kubelet": "active"}
    files = {FILE: "one"}
    known: dict[str, Any] = {
        "serving": serving_certificate(like),
        "version": like.version,
        "services": services,
        "files": files,
        "parts": dict(like.parts),
        "clients": like.clients,
        "plugin": like.plugin,
        "people": like.people,
        "secrets": like.secrets,
        "trust": like.trust,
        "kubelet_ca": like.cluster_ca,
        "issuers": issuers(like),
        "applied": AppliedState(
            like.version, like.control, like.kubelet, services, files, like.recorded
        ),
        "node": node,
    }
    return ObservedMachine(**{**known, **changes})
