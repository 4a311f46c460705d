"""The table of actions: everything a rollout can do to a machine, in execution order.

A new kind of change is one row here. The preview (preview.py), the comparison of actual and desired
state (diff.py), execution and progress (node_change.py, order.py) read the rows; action_kind.py
documents each field. How a machine gets images and programs comes first; then it is upgraded, since
settings and repairs are those of its new version; actions that concern only its Node come last.
"""

from collections.abc import Callable

from model import version_skew
from model.render import machine_files
from ops.hosts import artifacts
from ops.rollout import readiness, triggers
from ops.rollout.action_kind import ActionKind, When
from ops.rollout.desired import DesiredMachine
from ops.rollout.observed import ObservedMachine
from ops.rollout.target import Target

# kubeadm runs a Job before an upgrade. It skips the Job if every Node is cordoned, but ignores
# taints: if no Node admits the Job's pod, it would wait in vain.
# https://github.com/kubernetes/kubeadm/issues/3050
HEALTH_CHECK = "CreateJob"
HEALTH_JOB = {
    "spec": {
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    }
}


def _operation(name: str) -> Callable[[Target], object]:
    """Return a function that runs an operation of scripts/node."""
    return lambda target: target.machine.run(name)


def _apply_files(*parts: str) -> Callable[[Target], object]:
    """Return a function that applies parts of the machine's files."""
    return lambda target: target.machine.run("apply_files", PARTS=" ".join(parts))


def _upgrades_cluster(target: Target) -> bool:
    """Whether the cluster's own objects are upgraded with this machine."""
    wanted = target.wanted
    return wanted.is_control_plane and target.nodes.recorded_version() != wanted.version


def _check_upgrade(target: Target) -> None:
    if _upgrades_cluster(target):
        target.step("checking with kubeadm whether the cluster can be upgraded")
        can_run = target.nodes.can_take(HEALTH_JOB)
        target.machine.run("check_upgrade", IGNORED_CHECKS="" if can_run else HEALTH_CHECK)


def _upgrade(target: Target) -> None:
    if _upgrades_cluster(target):
        target.machine.run("upgrade_first")
    elif target.wanted.is_control_plane:
        target.machine.run("upgrade_control_plane")
    else:
        target.machine.run("upgrade_kubelet")


def _skew(found: ObservedMachine, wanted: DesiredMachine) -> str:
    """Check the version skew of a control plane; workers follow the control planes."""
    reason = (
        version_skew.problem(found.version, wanted.version) if wanted.is_control_plane else None
    )
    return reason or ""


def _restore_images(target: Target) -> None:
    """Have the machine import its damaged images; send the files that it does not have."""
    found, wanted = target.found, target.wanted
    missing = artifacts.archives(
        found.missing_archives,
        kubernetes_version=wanted.version,
        arch=found.arch,
        role=wanted.role,
    )
    target.machine.run("restore_images", stream=artifacts.tar(missing))


def _register(target: Target) -> None:
    """Register the Node, and replace the former Node's pods, those of flannel first."""
    name, nodes = target.name, target.nodes
    former, pods = nodes.find(name), nodes.former_pods(name)
    target.machine.run("register")
    readiness.await_registered(nodes, name, former)
    nodes.delete_pods(name, pods)


def _upload(target: Target) -> None:
    """Upload the documents that all machines have, for those that join later."""
    cluster = target.machine.cluster
    target.machine.run(
        "upload_configuration",
        KUBELET_CONFIGURATION=cluster.kubelet_document,
        CONTROL=cluster.control,
        KUBELET=cluster.kubelet,
    )


def _set_metadata(target: Target) -> None:
    target.nodes.set_metadata(target.name, target.wanted.labels, target.wanted.taints)


def _uncordon(target: Target) -> None:
    target.nodes.uncordon(target.name)


KERNEL = ActionKind(
    name="kernel",
    reasons=triggers.changed_files(machine_files.KERNEL),
    subject="kernel settings",
    effect="loaded, nothing restarted",
    doing="applying the kernel's settings",
    run=_apply_files(machine_files.KERNEL),
    needs_ready=False,
)
MIRRORS = ActionKind(
    name="mirrors",
    reasons=triggers.mirrors,
    subject="registry mirrors",
    effect="in place",
    doing="applying the registry mirrors",
    run=_apply_files(machine_files.MIRRORS),
    needs_ready=False,
)
CONTAINER_RUNTIME = ActionKind(
    name="container-runtime",
    reasons=triggers.changed_files(machine_files.CONTAINERD, machine_files.PROXY),
    subject="containerd's configuration",
    effect="containerd restarted, containers keep running",
    doing="applying containerd's configuration",
    run=_apply_files(machine_files.CONTAINERD, machine_files.PROXY),
    restarts_services=True,
)
KUBEADM = ActionKind(
    name="kubeadm",
    reasons=triggers.changed_files(machine_files.KUBEADM),
    subject="kubeadm's configuration",
    effect="in place",
    doing="applying kubeadm's configuration",
    run=_apply_files(machine_files.KUBEADM),
    needs_ready=False,
)
IMAGES = ActionKind(
    name="images",
    reasons=triggers.damaged_images,
    effect="imported again, nothing restarted",
    doing="restoring images",
    run=_restore_images,
    needs_ready=False,
    restores_api=True,
)
# Only the file: an upgrade or the change of the kubelet's settings, later in the turn, applies it.
KUBELET_PATCH = ActionKind(
    name="kubelet-patch",
    reasons=triggers.changed_files(machine_files.KUBELET_PATCH),
    planned=triggers.planned_kubelet_patch,
    effect="in place",
    doing="writing the machine's own settings of the kubelet",
    run=_apply_files(machine_files.KUBELET_PATCH),
    needs_ready=False,
)
UPGRADE = ActionKind(
    name="upgrade",
    reasons=triggers.other_version,
    planned=triggers.planned_version,
    cluster_reasons=triggers.other_cluster_version,
    refusal=_skew,
    subject="the version",
    effect="kubelet restarted",
    on_control_plane="its control-plane pods and kubelet restarted",
    api_seconds=20,
    check=_check_upgrade,
    doing="upgrading to {version}",
    run=_upgrade,
    drains=True,
    restarts_services=True,
    covers=("kubelet-records", "kubelet", "cleanup"),
)
REPAIR = ActionKind(
    name="repair",
    reasons=triggers.drifted,
    effect="in place, affected services restarted",
    doing="repairing drift",
    run=_operation("repair"),
    restarts_services=True,
    restores_api=True,
)
CONTROL_PLANE = ActionKind(
    name="control-plane",
    reasons=triggers.control_plane_settings,
    planned=triggers.planned_control_plane_settings,
    subject="control plane settings",
    effect="its control-plane pods restarted, one machine at a time",
    api_seconds=10,
    doing="applying the control plane's settings",
    run=_operation("apply_control_plane"),
    restarts_services=True,
)
KUBELET = ActionKind(
    name="kubelet",
    reasons=triggers.kubelet_settings,
    planned=triggers.planned_kubelet_settings,
    subject="kubelet settings",
    effect="kubelet restarted, pods keep running",
    doing="applying the kubelet's settings",
    run=_operation("apply_kubelet"),
    restarts_services=True,
)
KUBELET_RECORDS = ActionKind(
    name="kubelet-records",
    reasons=triggers.recorded_settings,
    planned=triggers.planned_recorded_settings,
    subject="kubelet settings",
    effect="kubelet restarted without its record of CPUs or memory",
    doing="applying the kubelet's settings, without its record of CPUs or memory",
    run=_operation("apply_kubelet"),
    drains=True,
    restarts_services=True,
    covers=("kubelet",),
)
KUBELET_UNIT = ActionKind(
    name="kubelet-unit",
    reasons=triggers.changed_files(machine_files.KUBELET),
    subject="the kubelet's unit",
    effect="kubelet restarted, pods keep running",
    doing="applying the kubelet's unit",
    run=_apply_files(machine_files.KUBELET),
    restarts_services=True,
)
LOAD_BALANCER = ActionKind(
    name="load-balancer",
    reasons=triggers.changed_files(machine_files.LOAD_BALANCER),
    subject="the load balancer's configuration",
    effect="reloaded, connections stay open, one machine at a time",
    doing="applying the load balancer's configuration",
    run=_apply_files(machine_files.LOAD_BALANCER),
    restarts_services=True,
)
REGISTER = ActionKind(
    name="register",
    reasons=triggers.not_registered,
    effect="pod network reset, kubelet restarted, its pods replaced",
    doing="resetting its pod network and restarting the kubelet, so that it registers",
    run=_register,
    restarts_services=True,
)
METADATA = ActionKind(
    name="metadata",
    reasons=triggers.metadata,
    planned=triggers.planned_metadata,
    subject="labels and taints",
    effect="in place",
    run=_set_metadata,
    when=When.CLOSING,
    needs_ready=False,
)
UNCORDON = ActionKind(
    name="uncordon",
    reasons=triggers.cordoned,
    effect="uncordoned when Ready",
    run=_uncordon,
    when=When.CLOSING,
)
CLEANUP = ActionKind(
    name="cleanup",
    reasons=triggers.former_versions,
    effect="removed, nothing restarted",
    doing="removing files of other versions",
    run=_operation("clean"),
    when=When.AT_END,
)

DOCUMENTS = ActionKind(
    name="documents",
    reasons=triggers.never,
    cluster_reasons=triggers.other_documents,
    effect="uploaded, nothing restarted",
    doing="uploading the settings with which machines join",
    run=_upload,
    when=When.AT_END,
    needs_ready=False,
)
UNFINISHED = ActionKind(
    name="unfinished",
    reasons=triggers.never,
    cluster_reasons=triggers.unfinished,
    effect="all machines brought to the configured state",
    doing="removing the record of the rollout",
    run=lambda target: target.nodes.remove_record(),
    when=When.AT_END,
    needs_ready=False,
)

ACTIONS = (
    KERNEL,
    MIRRORS,
    CONTAINER_RUNTIME,
    KUBEADM,
    IMAGES,
    KUBELET_PATCH,
    UPGRADE,
    REPAIR,
    CONTROL_PLANE,
    KUBELET_UNIT,
    KUBELET_RECORDS,
    KUBELET,
    LOAD_BALANCER,
    REGISTER,
    METADATA,
    UNCORDON,
    CLEANUP,
    DOCUMENTS,
    UNFINISHED,
)
