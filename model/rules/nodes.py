"""Rules for Node settings: taints that CoreDNS does not tolerate, fields of newer versions."""

from collections.abc import Iterator

from model import versions
from model.config import inheritance, kubelet_fields
from model.config.errors import DESCENDANTS, Path
from model.config.resolve import ROLES, ResolvedCluster
from model.fleet import CONTROL_PLANE, CONTROL_PLANE_TAINT, Taint
from model.rules.issue import Issue, issue

# Pods that do not tolerate these taints are not scheduled; kubeadm's CoreDNS tolerates the control
# plane taint and this key.
HARD_EFFECTS = ("NoSchedule", "NoExecute")
COREDNS_TOLERATES = "CriticalAddonsOnly"


def check_cluster(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster's Node settings."""
    for role in ROLES:
        yield from _taken_twice(layout, role)
    yield from _no_place(layout)
    yield from _too_new(layout)


def _taken_twice(layout: ResolvedCluster, role: str) -> Iterator[Issue]:
    """Yield taints with a duplicate key and effect: a Node has one value for them."""
    seen: set[tuple[str, str]] = set()
    for index, text in enumerate(layout.pool(role).taints or ()):
        taint = inheritance.parse_taint(text)
        if (taint.key, taint.effect) in seen:
            yield issue(
                layout.pool_path(role, "taints", index),
                text,
                f"duplicate taint: {taint.key} already has the effect {taint.effect}",
                allowed="each key once per effect",
                example='taints: ["dedicated=database:NoSchedule"]',
                sources=[(*layout.pool_path(role, "taints"), DESCENDANTS)],
            )
        seen.add((taint.key, taint.effect))


def _no_place(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield an issue if CoreDNS could run on no Node: the cluster would never become ready."""
    used = [role for role in ROLES if layout.size(role)]
    if not used or not all(any(map(_bars, inheritance.taints(layout, role))) for role in used):
        return
    role = used[-1]
    path = layout.pool_path(role, "taints")
    yield issue(
        path,
        layout.pool(role).taints,
        "every Node has a taint that CoreDNS does not tolerate",
        allowed=f"some Nodes with no taint, PreferNoSchedule, or only {CONTROL_PLANE_TAINT}",
        example=f'taints: ["{CONTROL_PLANE_TAINT}"]' if role == CONTROL_PLANE else "taints: []",
        sources=(*layout.driver_paths, *_pools(layout)),
    )


def _bars(taint: Taint) -> bool:
    tolerated = taint == CONTROL_PLANE_TAINT or taint.key == COREDNS_TOLERATES
    return taint.effect in HARD_EFFECTS and not tolerated


def _pools(layout: ResolvedCluster) -> Iterator[Path]:
    for role in ROLES:
        yield layout.pool_path(role, "count")
        yield layout.pool_path(role, "hosts")
        yield layout.pool_path(role, "taints", DESCENDANTS)


def _too_new(layout: ResolvedCluster) -> Iterator[Issue]:
    """Yield fields that this version's kubelet does not support and would ignore."""
    own = layout.cluster.kubernetes_version
    version = versions.parse(own or layout.fleet.kubernetes_version)
    for path, fields in (
        (("kubelet",), layout.fleet.kubelet),
        ((*layout.path, "kubelet"), layout.cluster.kubelet),
    ):
        for name, since in kubelet_fields.SINCE.items():
            if name in fields and version.minor < since:
                yield issue(
                    (*path, name),
                    fields[name],
                    f"not supported by the kubelet of {version}",
                    allowed=f"a field that every version in use supports (this one: 1.{since}+)",
                    example=kubelet_fields.EXAMPLE,
                    sources=[(*layout.path, "kubernetesVersion"), ("kubernetesVersion",)],
                )
