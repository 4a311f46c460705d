"""Rows of a Node, and of a machine that is not as its last change left it."""

from ops.rollout import execution, refusals, triggers
from ops.rollout.action_kind import ActionKind, When

REPAIR = ActionKind(
    name="repair",
    reasons=triggers.drifted,
    refusal=refusals.downgrade,
    effect="in place, affected services restarted",
    doing="repairing drift",
    run=execution.operation("repair"),
    restarts_services=True,
    restores_api=True,
)
REGISTER = ActionKind(
    name="register",
    reasons=triggers.not_registered,
    effect="pod network reset, kubelet restarted",
    doing="resetting its pod network and restarting the kubelet, so that it registers",
    run=execution.register,
    restarts_services=True,
)
POD_NETWORK = ActionKind(
    name="pod-network",
    reasons=triggers.other_plugin,
    planned=triggers.planned_other_plugin,
    subject="what connects pods",
    effect="pod network reset, kubelet restarted",
    doing="resetting its pod network and replacing its pods, so that another plugin connects them",
    run=execution.register,
    drains=True,
    replaces_pods=True,
    restarts_services=True,
    covers=("register",),
)
METADATA = ActionKind(
    name="metadata",
    reasons=triggers.metadata,
    planned=triggers.planned_metadata,
    subject="labels and taints",
    effect="in place",
    run=execution.set_metadata,
    when=When.CLOSING,
    needs_ready=False,
)
UNCORDON = ActionKind(
    name="uncordon",
    reasons=triggers.cordoned,
    effect="uncordoned when Ready",
    run=execution.uncordon,
    when=When.CLOSING,
)
UNFINISHED = ActionKind(
    name="unfinished",
    reasons=triggers.never,
    cluster_reasons=triggers.unfinished,
    effect="all machines brought to the configured state",
    doing="noting in the cluster that the rollout is complete",
    run=lambda target: target.nodes.remove_record(),
    when=When.AT_END,
    needs_ready=False,
)
