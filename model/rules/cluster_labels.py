"""The labels of all clusters, for selectors that match none of them."""

from collections.abc import Iterable

from model.config.resolved_cluster import ResolvedCluster
from model.selectors import LabelSelector, Requirement

_SHOWN_LABELS = 6


def unmet(selector: LabelSelector, clusters: Iterable[ResolvedCluster]) -> Requirement | None:
    """Return the first requirement that no cluster meets."""
    clusters = list(clusters)
    for requirement in selector.requirements:
        if not any(requirement.matches(cluster.settings.labels) for cluster in clusters):
            return requirement
    return None


def distinct(clusters: Iterable[ResolvedCluster]) -> list[tuple[str, str]]:
    """Return the labels that clusters have, each once."""
    labels = (item for cluster in clusters for item in cluster.settings.labels.items())
    return list(dict.fromkeys(labels))


def listed(labels: list[tuple[str, str]]) -> str:
    """Return the first of the labels as text; "" without any."""
    shown = ", ".join(f"{key}={value}" for key, value in labels[:_SHOWN_LABELS])
    return f"{shown}, ..." if len(labels) > _SHOWN_LABELS else shown
