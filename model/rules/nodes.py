"""Rules for Node settings: taints that CoreDNS does not tolerate, fields of newer versions."""

from collections.abc import Iterator

from model import versions
from model.config import kubelet_fields
from model.config.errors import DESCENDANTS, Path
from model.config.resolved_cluster import ROLES, ResolvedCluster
from model.fleet import CONTROL_PLANE, CONTROL_PLANE_TAINT, Taint
from model.rules.issue import Issue, issue

# Pods that do not tolerate these taints are not scheduled; kubeadm's CoreDNS tolerates the control
# plane taint and this key.
HARD_EFFECTS = ("NoSchedule", "NoExecute")
COREDNS_TOLERATES = "CriticalAddonsOnly"


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's Node settings."""
    for role in ROLES:
        yield from _taken_twice(cluster, role)
    yield from _no_place(cluster)
    yield from _too_new(cluster)


def _taken_twice(cluster: ResolvedCluster, role: str) -> Iterator[Issue]:
    """Yield taints with a duplicate key and effect: a Node has one value for them."""
    seen: set[tuple[str, str]] = set()
    for index, text in enumerate(cluster.pool(role).taints):
        taint = Taint.parse(text)
        if (taint.key, taint.effect) in seen:
            yield issue(
                cluster.pool_path(role, "taints", index),
                text,
                f"duplicate taint: {taint.key} already has the effect {taint.effect}",
                allowed="each key once per effect",
                example='taints: ["dedicated=database:NoSchedule"]',
                sources=[(*cluster.pool_path(role, "taints"), DESCENDANTS)],
            )
        seen.add((taint.key, taint.effect))


def _no_place(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield an issue if CoreDNS could run on no Node: the cluster would never become ready."""
    used = [role for role in ROLES if cluster.size(role)]
    taints = {role: map(Taint.parse, cluster.pool(role).taints) for role in used}
    if not used or not all(any(map(_bars, taints[role])) for role in used):
        return
    role = used[-1]
    path = cluster.pool_path(role, "taints")
    yield issue(
        path,
        cluster.pool(role).taints,
        "every Node has a taint that CoreDNS does not tolerate: the cluster would have no DNS",
        allowed="control planes or workers without a NoSchedule or NoExecute taint other than "
        f"{CONTROL_PLANE_TAINT} and {COREDNS_TOLERATES}",
        example=f'taints: ["{CONTROL_PLANE_TAINT}"]' if role == CONTROL_PLANE else "taints: []",
        sources=(*cluster.driver_paths, *_pools(cluster)),
    )


def _bars(taint: Taint) -> bool:
    tolerated = taint == CONTROL_PLANE_TAINT or taint.key == COREDNS_TOLERATES
    return taint.effect in HARD_EFFECTS and not tolerated


def _pools(cluster: ResolvedCluster) -> Iterator[Path]:
    for role in ROLES:
        yield cluster.pool_path(role, "count")
        yield cluster.pool_path(role, "hosts")
        yield cluster.pool_path(role, "taints", DESCENDANTS)


def _too_new(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield fields that this version's kubelet does not support and would ignore."""
    version = versions.parse(cluster.settings.kubernetes_version)
    for name, since in kubelet_fields.SINCE.items():
        if name in cluster.settings.kubelet and version.minor < since:
            yield issue(
                cluster.path_of("kubelet", name),
                cluster.settings.kubelet[name],
                f"not supported by the kubelet of {version}",
                allowed=f"Kubernetes 1.{since} or later, or a field that {version} has",
                example=kubelet_fields.EXAMPLE,
                sources=(
                    *cluster.paths_of("kubernetesVersion"),
                    *cluster.paths_of("kubelet", name),
                ),
            )
