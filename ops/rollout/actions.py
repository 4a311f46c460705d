"""The table of actions: everything a rollout can do to a machine, in execution order.

A new kind of change is one row here. The preview (preview.py), the comparison of actual and desired
state (diff.py), execution and progress (node_change.py, order.py) read the rows; action_kind.py
documents each field. How a machine gets images and programs comes first; then it is upgraded, since
settings and repairs are those of its new version; actions that concern only its Node come last.
"""

from model.render import machine_files
from ops.rollout import (
    certificate_triggers,
    execution,
    patching,
    refusals,
    rotation_triggers,
    triggers,
)
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
KERNEL = ActionKind(
    name="kernel",
    reasons=triggers.changed_files(machine_files.KERNEL),
    subject="kernel settings",
    effect="loaded, nothing restarted",
    doing="applying the kernel's settings",
    run=execution.apply_files(machine_files.KERNEL),
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
IMAGES = ActionKind(
    name="images",
    reasons=triggers.damaged_images,
    effect="imported again, nothing restarted",
    doing="restoring images",
    run=execution.restore_images,
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
REGISTER = ActionKind(
    name="register",
    reasons=triggers.not_registered,
    effect="pod network reset, kubelet restarted, its pods replaced",
    doing="resetting its pod network and restarting the kubelet, so that it registers",
    run=execution.register,
    restarts_services=True,
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
CLEANUP = ActionKind(
    name="cleanup",
    reasons=triggers.former_versions,
    effect="removed, nothing restarted",
    doing="removing files of other versions",
    run=execution.operation("clean"),
    when=When.AT_END,
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
    TRUST,
    KERNEL,
    UPDATE_POLICY,
    MIRRORS,
    CONTAINER_RUNTIME,
    KUBEADM,
    RENEWAL,
    CLIENT_AUTHORITIES,
    AUTHENTICATION,
    IMAGES,
    SERVING,
    LEAVES,
    FORMER_LEAVES,
    KUBELET_CERTIFICATE,
    KUBELET_TRUST,
    KUBELET_PATCH,
    UPGRADE,
    REPAIR,
    CONTROL_PLANE,
    KUBELET_UNIT,
    KUBELET_RECORDS,
    KUBELET,
    LOAD_BALANCER,
    REGISTER,
    SECURITY_UPDATES,
    METADATA,
    UNCORDON,
    CLEANUP,
    DOCUMENTS,
    PUBLISHED_AUTHORITIES,
    UNFINISHED,
)
