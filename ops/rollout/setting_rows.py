"""Rows of settings: those of the control plane and of kubelets, and their documents."""

from ops.rollout import execution, triggers
from ops.rollout.action_kind import ActionKind, When

CONTROL_PLANE = ActionKind(
    name="control-plane",
    on_workers=False,
    reasons=triggers.control_plane_settings,
    planned=triggers.planned_control_plane_settings,
    subject="control plane settings",
    effect="its control-plane pods restarted, one machine at a time",
    restarted_pods=lambda change: change.restarted_pods,
    api_seconds=10,
    doing="applying the control plane's settings",
    run=execution.operation("apply_control_plane"),
    restarts_services=True,
)
KUBELET = ActionKind(
    name="kubelet",
    reasons=triggers.kubelet_settings,
    planned=triggers.planned_kubelet_settings,
    subject="kubelet settings",
    effect="kubelet restarted, pods keep running",
    doing="applying the kubelet's settings",
    run=execution.operation("apply_kubelet"),
    restarts_services=True,
)
KUBELET_RECORDS = ActionKind(
    name="kubelet-records",
    reasons=triggers.recorded_settings,
    planned=triggers.planned_recorded_settings,
    subject="kubelet settings",
    effect="kubelet restarted without its record of CPUs or memory",
    doing="applying the kubelet's settings, without its record of CPUs or memory",
    run=execution.operation("apply_kubelet"),
    drains=True,
    restarts_services=True,
    covers=("kubelet",),
)
DOCUMENTS = ActionKind(
    name="documents",
    reasons=triggers.never,
    cluster_reasons=triggers.other_documents,
    effect="uploaded, nothing restarted",
    doing="uploading the settings with which machines join",
    run=execution.upload,
    when=When.AT_END,
    needs_ready=False,
)
