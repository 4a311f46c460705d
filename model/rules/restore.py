"""Rules for restoring a cluster from a snapshot, checked before anything is changed."""

from collections.abc import Iterator, Mapping

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
        yield from _other_networks(cluster, cluster.snapshot.networks if cluster.snapshot else {})
    except SnapshotError as error:
        yield issue(
            path,
            written,
            str(error),
            allowed="a file written by `fleet backup fetch`; remove the key once the cluster is "
            "restored",
            example=EXAMPLE,
        )


def _other_networks(cluster: ResolvedCluster, recorded: Mapping[str, str]) -> Iterator[Issue]:
    """Yield what differs from the snapshot's cluster and cannot be changed in a restored one.

    Its Services, Nodes and certificates, and the machines that are still its members, have it.
    """
    networking = cluster.settings.networking
    desired = {
        "podSubnet": networking.pod_subnet,
        "serviceSubnet": networking.service_subnet,
        "dnsDomain": networking.dns_domain,
        "nodeCidrMaskSize": networking.node_cidr_mask_size,
        "endpoint": cluster.endpoint,
    }
    for key, value in desired.items():
        was = recorded.get(key)
        if was is None or value is None or was == str(value):
            continue
        path = cluster.endpoint_path() if key == "endpoint" else cluster.path_of("networking", key)
        yield issue(
            path,
            str(value),
            f"the cluster of the snapshot has {was}",
            allowed="the same as in the snapshot",
            example=f"endpoint: {{external: {was}}}" if key == "endpoint" else f"{key}: {was}",
            sources=[cluster.control_planes.path("restore"), *cluster.driver_paths],
        )
