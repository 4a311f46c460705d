"""Rows of trust: CAs and keys, and the certificates of components and kubelets."""

from ops.rollout import certificate_triggers, execution, rotation_triggers, triggers
from ops.rollout.action_kind import ActionKind, When

# On all machines before anything uses what they then trust.
TRUST = ActionKind(
    name="trust",
    reasons=rotation_triggers.trust,
    planned=rotation_triggers.planned_trust,
    subject="the CAs and keys",
    effect="in place, nothing restarted",
    doing="replacing CAs and keys",
    run=execution.apply_trust,
    when=When.FIRST,
    needs_ready=False,
    restores_api=True,
)
CLIENT_AUTHORITIES = ActionKind(
    name="client-authorities",
    on_workers=False,
    reasons=certificate_triggers.client_authorities,
    planned=certificate_triggers.planned_client_authorities,
    subject="the CAs of clients",
    effect="in place",
    doing="replacing the CAs of the API server's clients",
    run=execution.operation("apply_client_authorities"),
    needs_ready=False,
    restores_api=True,
)
# Before anything that starts the kubelet, which does not start without it.
SERVING = ActionKind(
    name="serving-certificate",
    reasons=certificate_triggers.serving_certificate,
    planned=certificate_triggers.planned_serving_certificate,
    effect="issued again, nothing restarted",
    doing="renewing its kubelet's serving certificate",
    run=execution.renew_serving,
    restores_api=True,
)
LEAVES = ActionKind(
    name="leaves",
    on_workers=False,
    reasons=certificate_triggers.invalid_leaves,
    effect="issued again, kubelet restarted, pods keep running",
    doing="issuing certificates",
    run=execution.operation("issue_invalid_leaves"),
    restores_api=True,
)
KUBELET_CERTIFICATE = ActionKind(
    name="kubelet-certificate",
    reasons=certificate_triggers.invalid_kubelet_certificate,
    effect="issued again, kubelet restarted, pods keep running",
    doing="issuing the kubelet's certificate",
    run=execution.issue_kubelet_certificate,
    restores_api=True,
)
FORMER_LEAVES = ActionKind(
    name="former-leaves",
    on_workers=False,
    reasons=rotation_triggers.former_certificates,
    planned=rotation_triggers.planned_former_certificates,
    subject="the issuer of certificates",
    effect="issued again, nothing restarted",
    doing="issuing certificates of the current CA",
    run=execution.renew_former_leaves,
    needs_ready=False,
)
KUBELET_TRUST = ActionKind(
    name="kubelet-trust",
    reasons=rotation_triggers.kubelet,
    planned=rotation_triggers.planned_kubelet,
    subject="the issuer of certificates",
    effect="kubelet restarted, pods keep running",
    doing="having the kubelet use the current CA",
    run=execution.rotate_kubelet,
)
PUBLISHED_AUTHORITIES = ActionKind(
    name="published-authorities",
    reasons=triggers.never,
    cluster_reasons=rotation_triggers.published,
    effect="published again, nothing restarted",
    doing="publishing the CAs that aggregated API servers trust",
    run=execution.publish_authorities,
    when=When.AT_END,
    needs_ready=False,
)
