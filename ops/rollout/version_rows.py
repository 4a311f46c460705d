"""Rows of software: versions, their images, security updates, and the remains of previous ones."""

from ops.rollout import execution, patching, refusals, triggers
from ops.rollout.action_kind import ActionKind, When

IMAGES = ActionKind(
    name="images",
    reasons=triggers.damaged_images,
    planned=triggers.planned_images,
    effect="imported, nothing restarted",
    doing="restoring images",
    run=execution.restore_images,
    needs_ready=False,
    restores_api=True,
)
UPGRADE = ActionKind(
    name="upgrade",
    reasons=triggers.other_version,
    planned=triggers.planned_version,
    cluster_reasons=triggers.other_cluster_version,
    refusal=refusals.skew,
    subject="the version",
    effect="kubelet restarted",
    on_control_plane="its control-plane pods and kubelet restarted",
    api_seconds=20,
    check=execution.check_upgrade,
    doing="upgrading to {version}",
    run=execution.upgrade,
    drains=True,
    restarts_services=True,
    covers=("kubelet-records", "kubelet", "cleanup"),
)
# Late: what is repaired or changed in the same turn is in use when the machine reboots.
SECURITY_UPDATES = ActionKind(
    name="security-updates",
    reasons=triggers.security_updates,
    planned=triggers.planned_security_updates,
    refusal=refusals.unready,
    subject="the security updates of the system",
    effect="installed, rebooted if the system asks for it",
    api_seconds=60,
    doing="installing security updates",
    run=patching.patch,
    drains=True,
    spares=patching.spares,
    restarts_services=True,
)
CLEANUP = ActionKind(
    name="cleanup",
    reasons=triggers.former_versions,
    effect="removed, nothing restarted",
    doing="removing files of other versions",
    run=execution.operation("clean"),
    when=When.AT_END,
)
