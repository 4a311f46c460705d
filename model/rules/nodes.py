"""Rules for Node settings: taints that CoreDNS does not tolerate, fields of newer versions."""

from collections.abc import Iterator, Mapping
from typing import Any

from model import versions
from model.config import kubelet_fields
from model.config.errors import DESCENDANTS, Path
from model.config.resolved_cluster import ResolvedCluster
from model.config.resolved_pool import ResolvedPool
from model.machine import CONTROL_PLANE, CONTROL_PLANE_TAINT, Taint
from model.rules.issue import Issue, issue

# Pods that do not tolerate these taints are not scheduled; kubeadm's CoreDNS tolerates the control
# plane taint and this key.
HARD_EFFECTS = ("NoSchedule", "NoExecute")
COREDNS_TOLERATES = "CriticalAddonsOnly"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's Node settings."""
    for pool in cluster.pools:
        yield from _duplicate_taints(cluster, pool)
    yield from _no_node_for_dns(cluster)
    yield from _too_new(cluster)


def _duplicate_taints(cluster: ResolvedCluster, pool: ResolvedPool) -> Iterator[Issue]:
    """Yield taints with a duplicate key and effect: a Node has one value for them."""
    seen: set[tuple[str, str]] = set()
    for index, text in enumerate(pool.settings.taints):
        taint = Taint.parse(text)
        path = cluster.path_of(*pool.setting, "taints")
        if (taint.key, taint.effect) in seen:
            yield issue(
                (*path, index),
                text,
                f"duplicate taint: {taint.key} already has the effect {taint.effect}",
                allowed="each key once per effect",
                example='taints: ["dedicated=database:NoSchedule"]',
                sources=[(*path, DESCENDANTS)],
            )
        seen.add((taint.key, taint.effect))


def _no_node_for_dns(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield an issue if CoreDNS could run on no Node: the cluster would never become ready."""
    used = [pool for pool in cluster.pools if pool.size]
    if not used or not all(
        any(map(_bars, map(Taint.parse, pool.settings.taints))) for pool in used
    ):
        return
    last = used[-1]
    yield issue(
        cluster.path_of(*last.setting, "taints"),
        last.settings.taints,
        "every Node has a taint that CoreDNS does not tolerate: the cluster would have no DNS",
        allowed="control planes or workers without a NoSchedule or NoExecute taint other than "
        f"{CONTROL_PLANE_TAINT} and {COREDNS_TOLERATES}",
        example=f'taints: ["{CONTROL_PLANE_TAINT}"]'
        if last.role == CONTROL_PLANE
        else "taints: []",
        sources=(*cluster.driver_paths, *_pools(cluster)),
    )


def _bars(taint: Taint) -> bool:
    tolerated = taint == CONTROL_PLANE_TAINT or taint.key == COREDNS_TOLERATES
    return taint.effect in HARD_EFFECTS and not tolerated


def _pools(cluster: ResolvedCluster) -> Iterator[Path]:
    for pool in cluster.pools:
        yield pool.path("count")
        yield pool.path("hosts")
        for path in cluster.paths_of(*pool.setting, "taints"):
            yield (*path, DESCENDANTS)


def _too_new(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield fields that this version's kubelet does not support and would ignore."""
    version = versions.parse(cluster.settings.kubernetes_version)
    written: dict[Path, Mapping[str, Any]] = {("kubelet",): cluster.settings.kubelet}
    written |= {(*pool.setting, "kubelet"): pool.kubelet for pool in cluster.worker_pools}
    for setting, fields in written.items():
        for name, since in kubelet_fields.SINCE.items():
            if name in fields and version.minor < since:
                yield issue(
                    cluster.path_of(*setting, name),
                    fields[name],
                    f"not supported by the kubelet of {version}",
                    allowed=f"Kubernetes 1.{since} or later, or a field that {version} has",
                    example=kubelet_fields.EXAMPLE,
                    sources=(
                        *cluster.paths_of("kubernetesVersion"),
                        *cluster.paths_of(*setting, name),
                    ),
                )
