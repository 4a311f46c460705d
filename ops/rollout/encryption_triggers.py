"""Reasons for actions that concern the encryption of Secrets, and secret files of API servers.

As in triggers.py, each function yields reasons as shown to the user.
"""

from collections.abc import Iterator

from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import MISSING, DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine


def secret_files(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The API server's secret files differ from the desired ones."""
    if wanted.is_control_plane and found.secrets != wanted.secrets:
        state = "are missing" if found.secrets == MISSING else "changed"
        yield f"the secret files of its API server {state}"


def planned_secret_files(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Something else encrypts Secrets, or the login for audit events is another one."""
    if not wanted.is_control_plane or was.secrets == wanted.secrets:
        return
    before, after = change.before.encryption, change.after.encryption
    if before["provider"] != after["provider"]:
        yield f"Secrets are encrypted by {after['provider']} instead of {before['provider']}"
    else:
        yield "the secret files of its API server changed"


def stored_secrets(observed: ObservedCluster, cluster: DesiredCluster) -> Iterator[str]:
    """Not all Secrets in etcd were written by what encrypts them now."""
    if observed.writer != cluster.writer:
        yield f"Secrets in etcd are not all written by {cluster.writer}"
