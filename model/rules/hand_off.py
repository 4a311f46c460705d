"""Rules for hand-off: the tool's cluster exists, and its role is said."""

from collections.abc import Iterator, Sequence

from model.config.hand_off import Tool
from model.config.resolved_cluster import ResolvedCluster
from model.hand_off import ARGOCD, ARGOCD_TYPE, TOOLS
from model.rules.issue import Issue, issue

KEY = "handOff"


def check_fleet(clusters: Sequence[ResolvedCluster]) -> Iterator[Issue]:
    """Yield the issues of every cluster's registrations."""
    names = sorted(cluster.name for cluster in clusters)
    for cluster in clusters:
        for name in TOOLS:
            tool: Tool = getattr(cluster.settings.hand_off, name)
            if tool.cluster is not None and tool.enabled:
                yield from _registration(cluster, name, tool, names)


def _registration(
    cluster: ResolvedCluster, name: str, tool: Tool, names: Sequence[str]
) -> Iterator[Issue]:
    if tool.cluster not in names:
        yield issue(
            cluster.path_of(KEY, name, "cluster"),
            tool.cluster,
            "unknown cluster",
            allowed=f"one of {', '.join(names)}",
            example=f"cluster: {names[0]}",
            sources=[("clusters",), *cluster.paths_of(KEY, name, "cluster")],
        )
    if tool.role is None:
        yield issue(
            (*cluster.path_of(KEY, name, "cluster")[:-1], "role"),
            None,
            f"not set: what {name} may do has no default",
            allowed="the name of a ClusterRole; cluster-admin allows everything",
            example=f"{KEY}: {{{name}: {{cluster: {names[0]}, role: cluster-admin}}}}",
            sources=[*cluster.paths_of(KEY, name, "role"), *cluster.paths_of(KEY, name, "cluster")],
        )
    if name == ARGOCD and ARGOCD_TYPE in cluster.settings.labels:
        yield issue(
            (*cluster.path, "labels", ARGOCD_TYPE),
            cluster.settings.labels[ARGOCD_TYPE],
            "the label by which Argo CD knows what a Secret is",
            allowed="any other label",
            example="labels: {region: tokyo}",
            sources=cluster.paths_of(KEY, name, "cluster"),
        )
