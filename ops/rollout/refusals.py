"""What a run refuses once it has inspected the machines, before it changes any of them.

Workers follow the control planes. Neither a control plane nor its cluster can return to an
earlier version: etcd and the API server may have written what the previous ones cannot read.
"""

from collections.abc import Mapping

from model import version_skew
from ops.errors import OperatorError
from ops.rollout import triggers
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine
from ops.rollout.unavailable import was_lost

MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"


def skew(found: ObservedMachine, wanted: DesiredMachine) -> str:
    """Refuse an upgrade of a control plane that the version skew policy does not allow."""
    if not wanted.is_control_plane:
        return ""
    return version_skew.problem(found.version, wanted.version) or ""


def downgrade(found: ObservedMachine, wanted: DesiredMachine) -> str:
    """Refuse to repair a control plane into a version from which it was already upgraded.

    An upgrade that failed after this machine had it is not recorded as applied. One that was
    interrupted is rolled back, and a replaced program alone is drift.
    """
    is_upgraded = found.files.get(MANIFEST) != found.applied.files.get(MANIFEST)
    return skew(found, wanted) if is_upgraded and not found.is_interrupted else ""


def unready(found: ObservedMachine, wanted: DesiredMachine) -> str:
    """Refuse to patch a cluster with a Node that is not Ready, for reasons unknown to this run.

    Known ones are an earlier attempt of the same, drift that this run repairs, and a worker that
    has been lost for so long that others do not wait for it (see unavailable.py).
    """
    node = found.node
    if node is None or node.ready or node.cordoned or any(triggers.drifted(found, wanted)):
        return ""
    if found.invalid_certificates or (not wanted.is_control_plane and was_lost(found)):
        return ""
    return (
        "its Node is not Ready, and the cluster's machines are not patched before it is: check "
        "`journalctl -u kubelet` on it, fix the cause and run `fleet up` again. No machine was "
        "changed"
    )


def unavailable(
    cluster: DesiredCluster, lost: Mapping[str, str], *, repaired: bool
) -> OperatorError:
    """Refuse to change a cluster with unavailable control planes: names and reasons.

    `repaired` says that the run has changed what made the API or Nodes unavailable.
    """
    name, reason = next(iter(lost.items()))
    changed = f"Nothing was changed on any machine of {cluster.name}"
    if repaired:
        changed = f"Only what kept the API or kubelets of {cluster.name} from working was changed"
    others = f" ({', '.join(list(lost)[1:])} as well)" if len(lost) > 1 else ""
    return OperatorError(
        f"{name} is {reason}{others}. {changed}, since every change needs all control planes. "
        "Bring it back and run `fleet up` again; if it is permanently lost, replace it with `fleet "
        "pulumi up --replace` and the URN of its machine"
    )


def cluster_downgrade(observed: ObservedCluster, cluster: DesiredCluster) -> str:
    """Refuse versions that the cluster's own objects cannot be upgraded to."""
    return version_skew.problem(observed.version, cluster.version) or ""
