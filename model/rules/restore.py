"""What a snapshot that a cluster is to be restored from must be, before anything is changed."""

from collections.abc import Iterator

from model.config.resolve import ResolvedCluster
from model.fleet import CONTROL_PLANE
from model.rules.issue import Issue, issue
from model.snapshot import SnapshotError

EXAMPLE = "restore: /var/backups/cluster1.db"


def check_cluster(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield what keeps the cluster from being restored; nothing where nobody asks for it."""
    written = layout.cluster.control_planes.restore
    if written is None:
        return
    path = layout.pool_path(CONTROL_PLANE, "restore")
    if layout.cluster.control_planes.accept_data_loss:
        yield issue(
            path,
            written,
            "acceptDataLoss is there as well: the cluster is restored or made anew, not both",
            allowed="restore or acceptDataLoss",
            example=EXAMPLE,
            sources=[layout.pool_path(CONTROL_PLANE, "acceptDataLoss")],
        )
    if layout.size(CONTROL_PLANE) != 1:
        key = "hosts" if layout.driver == "existing" else "count"
        yield issue(
            path,
            written,
            "only a cluster with one control plane is restored: several have their data from each "
            "other",
            allowed="one control plane, or no snapshot",
            example="count: 1",
            sources=[*layout.driver_paths, layout.pool_path(CONTROL_PLANE, key)],
        )
    try:
        _ = layout.snapshot
    except SnapshotError as error:
        yield issue(
            path,
            written,
            str(error),
            allowed="a file that `etcdctl snapshot save` wrote; nothing once the cluster is "
            "restored",
            example=EXAMPLE,
        )
