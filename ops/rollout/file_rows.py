"""Rows of files: each applies parts of the table of files (model/render/machine_files.py)."""

from model.render import machine_files
from ops.rollout import execution, triggers
from ops.rollout.action_kind import ActionKind

KERNEL = ActionKind(
    name="kernel",
    reasons=triggers.changed_files(machine_files.KERNEL),
    subject="kernel settings",
    effect="loaded, nothing restarted",
    doing="applying the kernel's settings",
    run=execution.apply_files(machine_files.KERNEL),
    needs_ready=False,
)
PERMISSIONS = ActionKind(
    name="permissions",
    reasons=triggers.exposed_files,
    effect="corrected in place, nothing restarted",
    doing="correcting modes and owners of files",
    run=execution.operation("apply_permissions"),
    needs_ready=False,
)
MIRRORS = ActionKind(
    name="mirrors",
    reasons=triggers.mirrors,
    subject="registry mirrors",
    effect="in place",
    doing="applying the registry mirrors",
    run=execution.apply_files(machine_files.MIRRORS),
    needs_ready=False,
)
CONTAINER_RUNTIME = ActionKind(
    name="container-runtime",
    reasons=triggers.changed_files(machine_files.CONTAINERD, machine_files.PROXY),
    subject="containerd's configuration",
    effect="containerd restarted, containers keep running",
    doing="applying containerd's configuration",
    run=execution.apply_files(machine_files.CONTAINERD, machine_files.PROXY),
    restarts_services=True,
)
KUBEADM = ActionKind(
    name="kubeadm",
    on_workers=False,
    reasons=triggers.changed_files(machine_files.KUBEADM),
    subject="kubeadm's configuration",
    effect="in place",
    doing="applying kubeadm's configuration",
    run=execution.apply_files(machine_files.KUBEADM),
    needs_ready=False,
)
UPDATE_POLICY = ActionKind(
    name="update-policy",
    reasons=triggers.changed_files(machine_files.UPDATE_POLICY),
    subject="what automatic updates leave alone",
    effect="in place, nothing restarted",
    doing="applying what automatic updates leave alone",
    run=execution.apply_files(machine_files.UPDATE_POLICY),
    needs_ready=False,
)
RENEWAL = ActionKind(
    name="renewal",
    on_workers=False,
    reasons=triggers.changed_files(machine_files.RENEWAL),
    subject="the renewal of certificates",
    effect="in place",
    doing="applying the timer that renews certificates",
    run=execution.apply_files(machine_files.RENEWAL),
    needs_ready=False,
)
DRIFT = ActionKind(
    name="drift",
    reasons=triggers.changed_files(machine_files.DRIFT),
    subject="the report of drift",
    effect="in place, nothing restarted",
    doing="applying the timer that reports drift",
    run=execution.apply_files(machine_files.DRIFT),
    needs_ready=False,
)
AUTHENTICATION = ActionKind(
    name="authentication",
    on_workers=False,
    reasons=triggers.changed_files(machine_files.AUTHENTICATION),
    subject="the issuers of tokens",
    effect="read again, nothing restarted",
    doing="applying the issuers of tokens",
    run=execution.apply_files(machine_files.AUTHENTICATION),
    needs_ready=False,
    restores_api=True,
)
COMPONENTS = ActionKind(
    name="component-files",
    on_workers=False,
    reasons=triggers.changed_files(machine_files.COMPONENTS),
    subject="files of control plane components",
    effect="those that use a changed file restarted, one machine at a time",
    api_seconds=10,
    doing="applying files of the control plane's components",
    run=execution.apply_files(machine_files.COMPONENTS),
    restarts_services=True,
    restores_api=True,
)
# Only the file: an upgrade or the change of the kubelet's settings, later in the turn, applies it.
KUBELET_PATCH = ActionKind(
    name="kubelet-patch",
    reasons=triggers.changed_files(machine_files.KUBELET_PATCH),
    planned=triggers.planned_kubelet_patch,
    effect="in place",
    doing="writing the machine's own settings of the kubelet",
    run=execution.apply_files(machine_files.KUBELET_PATCH),
    needs_ready=False,
)
KUBELET_UNIT = ActionKind(
    name="kubelet-unit",
    reasons=triggers.changed_files(machine_files.KUBELET),
    subject="the kubelet's unit",
    effect="kubelet restarted, pods keep running",
    doing="applying the kubelet's unit",
    run=execution.apply_files(machine_files.KUBELET),
    restarts_services=True,
)
LOAD_BALANCER = ActionKind(
    name="load-balancer",
    on_workers=False,
    reasons=triggers.changed_files(machine_files.LOAD_BALANCER),
    subject="the load balancer's configuration",
    effect="reloaded, connections stay open, one machine at a time",
    doing="applying the load balancer's configuration",
    run=execution.apply_files(machine_files.LOAD_BALANCER),
    restarts_services=True,
)
