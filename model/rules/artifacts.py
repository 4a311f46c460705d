"""Rules for the source of a cluster's binaries."""

from collections.abc import Iterator

from model.artifacts.upstream import downloads, unverified
from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue
from model.well_known import ARCHITECTURES


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield a mirror whose files cannot be verified on machines of any architecture."""
    artifacts, version = cluster.settings.artifacts, cluster.settings.kubernetes_version
    mirror, sums = artifacts.mirror, artifacts.sums
    missing = {
        arch: unverified(downloads(version, arch, mirror), mirror, sums)
        for arch in ARCHITECTURES.values()
    }
    if all(missing.values()):
        (address, *others) = min(missing.values(), key=len)
        yield issue(
            cluster.path_of("artifacts", "mirror"),
            mirror,
            f"has no checksum of {address}{f' and {len(others)} more files' if others else ''}: a "
            "mirror cannot vouch for itself",
            allowed="a mirror together with artifacts.sums; `fleet build sums --version "
            f"{version}`, where the projects' sites can be reached, prints them",
            example=f"sums: {{{address}: <sha256>}}",
            sources=(
                *cluster.paths_of("artifacts", "mirror"),
                *cluster.paths_of("artifacts", "sums"),
            ),
        )
