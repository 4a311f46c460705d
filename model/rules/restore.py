"""Rules for restoring a cluster from a snapshot, checked before anything is changed."""

from collections.abc import Iterator

from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue
from model.snapshot import SnapshotError

EXAMPLE = "restore: /var/backups/cluster1.db"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues that prevent a restore; none if no restore is requested."""
    written = cluster.settings.control_planes.restore
    if written is None:
        return
    pool = cluster.control_planes
    path = pool.path("restore")
    if cluster.settings.control_planes.accept_data_loss:
        yield issue(
            path,
            written,
            "both restore and acceptDataLoss are set",
            allowed="restore (from a snapshot) or acceptDataLoss (start with an empty cluster)",
            example=EXAMPLE,
            sources=[pool.path("acceptDataLoss")],
        )
    if pool.size != 1:
        yield issue(
            path,
            written,
            "only a cluster with a single control plane can be restored from a snapshot",
            allowed="one control plane, or no restore",
            example="count: 1",
            sources=[*cluster.driver_paths, pool.size_path],
        )
    try:
        _ = cluster.snapshot
    except SnapshotError as error:
        yield issue(
            path,
            written,
            str(error),
            allowed="a file written by `etcdctl snapshot save`; remove the key once the cluster is "
            "restored",
            example=EXAMPLE,
        )
