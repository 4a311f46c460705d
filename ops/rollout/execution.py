"""How actions are executed on the machine whose turn it is: the functions of the table's rows."""

from collections.abc import Callable
from datetime import timedelta

from model.pki import certificates, serving
from ops.hosts import artifacts
from ops.rollout import readiness, rotation_triggers
from ops.rollout.target import Target

# kubeadm runs a Job before an upgrade. It skips the Job if every Node is cordoned, but ignores
# taints: if no Node admits the Job's pod, it would wait until its timeout.
# https://github.com/kubernetes/kubeadm/issues/3050
HEALTH_CHECK = "CreateJob"
HEALTH_JOB = {
    "spec": {
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    }
}


def operation(name: str) -> Callable[[Target], object]:
    """Return a function that runs an operation of scripts/node."""
    return lambda target: target.machine.run(name)


def apply_files(*parts: str) -> Callable[[Target], object]:
    """Return a function that applies parts of the machine's files."""
    return lambda target: target.machine.run("apply_files", PARTS=" ".join(parts))


def _upgrades_cluster(target: Target) -> bool:
    """Whether the cluster's own objects are upgraded with this machine."""
    wanted = target.wanted
    return wanted.is_control_plane and target.nodes.recorded_version() != wanted.version


def check_upgrade(target: Target) -> None:
    """Have kubeadm check the cluster, before its first machine is drained."""
    if _upgrades_cluster(target):
        target.step("checking with kubeadm whether the cluster can be upgraded")
        can_run = target.nodes.can_take(HEALTH_JOB)
        target.machine.run("check_upgrade", IGNORED_CHECKS="" if can_run else HEALTH_CHECK)


def upgrade(target: Target) -> None:
    """Upgrade the machine, and the cluster's own objects with its first control plane."""
    if _upgrades_cluster(target):
        target.machine.run("upgrade_first")
    elif target.wanted.is_control_plane:
        target.machine.run("upgrade_control_plane")
    else:
        target.machine.run("upgrade_kubelet")


def restore_images(target: Target) -> None:
    """Have the machine import its damaged images; send the files that it does not have."""
    found, wanted = target.found, target.wanted
    missing = artifacts.archives(
        found.missing_archives,
        kubernetes_version=wanted.version,
        arch=found.arch,
        role=wanted.role,
    )
    target.machine.run("restore_images", stream=artifacts.tar(missing))


def issue_kubelet_certificate(target: Target) -> None:
    """Give the kubelet a credential with which it requests a certificate of its own."""
    pair = certificates.kubelet_credential(target.machine.issuer, target.name)
    target.machine.run("install_kubelet_certificate", KUBELET_CERTIFICATE=pair.pem)


def renew_serving(target: Target) -> None:
    """Issue another serving certificate for the machine's kubelet."""
    machine, wanted = target.machine, target.wanted
    valid = timedelta(seconds=machine.cluster.serving_seconds)
    pair = serving.issue(machine.issuer, wanted.name, wanted.address, valid)
    machine.run("renew_serving", SERVING_PAIR=pair.pem + machine.trust.get("CA_CHAIN", ""))


def register(target: Target) -> None:
    """Register the Node, and replace the former Node's pods, those of flannel first.

    Pods are listed when the pod network is gone: one that started just before, since an interrupted
    run had deleted its predecessor, would never make it again.
    """
    name, nodes = target.name, target.nodes
    former = nodes.find(name)
    target.machine.run("register")
    pods = nodes.former_pods(name)
    readiness.await_registered(nodes, name, former)
    nodes.delete_pods(name, pods)


def upload(target: Target) -> None:
    """Upload the documents that all machines have, for those that join later."""
    cluster = target.machine.cluster
    target.machine.run(
        "upload_configuration",
        KUBELET_CONFIGURATION=cluster.kubelet_document,
        CONTROL=cluster.control,
        KUBELET=cluster.kubelet,
    )


def publish_authorities(target: Target) -> None:
    """Publish the CAs that all API servers have, for aggregated API servers."""
    front_proxy = target.machine.trust["FRONT_PROXY_CA_CERTIFICATE"]
    target.nodes.publish_authorities(target.machine.cluster.client_authorities, front_proxy)


def apply_api_server_secrets(target: Target) -> None:
    """Replace the secret files of an API server, which may encrypt otherwise from now on."""
    if target.found.api_answers:
        target.nodes.begin_encryption(target.machine.cluster.writer)
    target.machine.run("apply_api_server_secrets")


def rewrite_secrets(target: Target) -> None:
    """Have what encrypts Secrets now encrypt those in etcd as well."""
    writer = target.machine.cluster.writer
    count = target.nodes.rewrite_secrets(writer)
    target.done(f"{count} Secrets in etcd are written by {writer}")


def apply_trust(target: Target) -> None:
    """Replace the CAs and keys of a control plane, or the cluster's CA of a worker."""
    of_role = "apply_trust" if target.wanted.is_control_plane else "apply_worker_trust"
    target.machine.run(of_role)


def renew_former_leaves(target: Target) -> None:
    """Have the CAs that sign now issue the leaves that other ones issued."""
    names = rotation_triggers.former_leaves(target.found, target.wanted)
    target.machine.run("renew_former_leaves", FORMER_LEAVES=" ".join(names))


def rotate_kubelet(target: Target) -> None:
    """Have the kubelet get a certificate of the CA that signs now, and read that CA."""
    machine = target.machine
    if rotation_triggers.has_former_certificate(target.found, target.wanted):
        pair = certificates.kubelet_credential(machine.issuer, target.name)
        machine.run("rotate_kubelet", KUBELET_CERTIFICATE=pair.pem)
    else:
        machine.run("reread_trust")


def set_metadata(target: Target) -> None:
    """Set the Node's labels and taints."""
    target.nodes.set_metadata(target.name, target.wanted.labels, target.wanted.taints)


def uncordon(target: Target) -> None:
    """Uncordon the Node if a rollout cordoned it."""
    target.nodes.uncordon(target.name)
