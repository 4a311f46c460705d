"""What a run refuses once it has inspected the machines, before it changes any of them.

Workers follow the control planes. Neither a control plane nor its cluster can return to an
earlier version: etcd and the API server may have written what the previous ones cannot read.
"""

from model import version_skew
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine

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


def cluster_downgrade(observed: ObservedCluster, cluster: DesiredCluster) -> str:
    """Refuse versions that the cluster's own objects cannot be upgraded to."""
    return version_skew.problem(observed.version, cluster.version) or ""
