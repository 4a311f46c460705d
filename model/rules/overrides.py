"""Overrides: each sets something for some clusters; one that matches none is a warning.

A cluster that is removed, or gets another label, may be the last one that a selector matches. That
change must not need another one in the same file, so such an override is valid.
"""

from collections.abc import Iterator, Sequence

from model.config.errors import DESCENDANTS, Path, dotted, visible
from model.config.overrides import KEY, Override
from model.config.resolved_cluster import ResolvedCluster
from model.config.upgrades import label_selector
from model.rules import cluster_labels
from model.rules.issue import Issue, issue


def check_fleet(clusters: Sequence[ResolvedCluster]) -> Iterator[Issue]:
    """Yield overrides that set nothing, and those whose selector matches whatever there is."""
    for path, override in _overrides(clusters):
        if not override.sets:
            yield issue(
                path,
                None,
                "sets nothing",
                allowed="a selector and at least one setting",
                example=f"{{selector: {_written(override)}, protect: true}}",
                sources=[(*path, DESCENDANTS)],
            )
        if not label_selector(override.selector).requirements:
            yield issue(
                (*path, "selector"),
                override.selector,
                "empty selector: matches every cluster",
                allowed=f"labels of clusters; settings of all clusters stand beside `{KEY}`",
                example="selector: environment=prod",
            )


def warnings(clusters: Sequence[ResolvedCluster]) -> tuple[str, ...]:
    """Return a text for each override that matches no cluster."""
    return tuple(
        visible(_unmatched(path, override, clusters))
        for path, override in _overrides(clusters)
        if not any(
            label_selector(override.selector).matches(cluster.settings.labels)
            for cluster in clusters
        )
    )


def _overrides(clusters: Sequence[ResolvedCluster]) -> Iterator[tuple[Path, Override]]:
    for index, override in enumerate(clusters[0].fleet.overrides if clusters else ()):
        yield (KEY, index), override


def _unmatched(path: Path, override: Override, clusters: Sequence[ResolvedCluster]) -> str:
    selector = label_selector(override.selector)
    requirement = cluster_labels.unmet(selector, clusters)
    problem = (
        f"no cluster has labels that meet {requirement}"
        if requirement
        else f"some clusters meet each requirement of {selector}, but none meets all of them"
    )
    known = cluster_labels.listed(cluster_labels.distinct(clusters))
    labels = f"labels of clusters: {known}" if known else "no cluster has labels"
    return (
        f"{dotted((*path, 'selector'))}: {problem}, so these settings hold nowhere "
        f"({', '.join(override.sets)}); {labels}. Correct the selector, or remove the override if "
        "no cluster is to have it"
    )


def _written(override: Override) -> str:
    return f'"{label_selector(override.selector)}"' if override.selector else "environment=prod"
