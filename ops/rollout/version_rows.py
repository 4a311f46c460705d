"""Rows of software: versions, their images, and the remains of previous ones."""

from ops.rollout import execution, refusals, triggers
from ops.rollout.action_kind import ActionKind, When

IMAGES = ActionKind(
    name="images",
    reasons=triggers.damaged_images,
    effect="imported again, nothing restarted",
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
CLEANUP = ActionKind(
    name="cleanup",
    reasons=triggers.former_versions,
    effect="removed, nothing restarted",
    doing="removing files of other versions",
    run=execution.operation("clean"),
    when=When.AT_END,
)
