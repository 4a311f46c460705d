"""The table of actions: everything a rollout can do to a machine, in execution order.

A new kind of change is one row, in the module of its kind, and its place in this order. The preview
(preview.py), the comparison of actual and desired state (diff.py), execution and progress
(node_change.py, order.py) read the rows; action_kind.py documents each field. How a machine gets
images and programs comes first; then it is upgraded, since settings and repairs are those of its
new version; actions that concern only its Node come last.
"""

from ops.rollout import (
    encryption_rows,
    file_rows,
    node_rows,
    setting_rows,
    trust_rows,
    version_rows,
)
from ops.rollout.action_kind import ActionKind

ACTIONS = (
    trust_rows.TRUST,
    file_rows.KERNEL,
    file_rows.PERMISSIONS,
    file_rows.UPDATE_POLICY,
    file_rows.MIRRORS,
    file_rows.CONTAINER_RUNTIME,
    file_rows.KUBEADM,
    file_rows.RENEWAL,
    file_rows.DRIFT,
    trust_rows.CLIENT_AUTHORITIES,
    file_rows.AUTHENTICATION,
    file_rows.COMPONENTS,
    encryption_rows.API_SERVER_SECRETS,
    version_rows.IMAGES,
    trust_rows.SERVING,
    trust_rows.LEAVES,
    trust_rows.FORMER_LEAVES,
    trust_rows.KUBELET_CERTIFICATE,
    trust_rows.KUBELET_TRUST,
    file_rows.KUBELET_PATCH,
    version_rows.UPGRADE,
    node_rows.REPAIR,
    setting_rows.CONTROL_PLANE,
    file_rows.KUBELET_UNIT,
    setting_rows.KUBELET_RECORDS,
    setting_rows.KUBELET,
    file_rows.LOAD_BALANCER,
    node_rows.POD_NETWORK,
    node_rows.REGISTER,
    version_rows.SECURITY_UPDATES,
    node_rows.METADATA,
    node_rows.UNCORDON,
    version_rows.CLEANUP,
    setting_rows.DOCUMENTS,
    trust_rows.PUBLISHED_AUTHORITIES,
    encryption_rows.STORED_SECRETS,
    node_rows.UNFINISHED,
)


def named(name: str) -> ActionKind | None:
    """Return the row of this name; None if only another version of this program has it."""
    return next((kind for kind in ACTIONS if kind.name == name), None)
