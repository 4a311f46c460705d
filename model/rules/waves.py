"""Rollout waves: one per canary selector, and a last one of all other clusters."""

from collections.abc import Iterable, Iterator

from model.config.errors import DESCENDANTS, Path
from model.config.resolved_cluster import ResolvedCluster
from model.config.upgrades import Selector
from model.rules.issue import Issue, issue

PATH: Path = ("upgrades", "canaries")
_SHOWN_LABELS = 6


def wave_of(cluster: ResolvedCluster) -> int:
    """Return the number of the cluster's wave, from 0."""
    selectors = [selector for _, selector in _selectors(cluster)]
    for number, selector in enumerate(selectors):
        if _matches(selector, cluster):
            return number
    return len(selectors)


def check_fleet(clusters: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield useless selectors: each must match a cluster that no earlier selector matches."""
    clusters = list(clusters)
    for number, (path, selector) in enumerate(_selectors(clusters[0]) if clusters else ()):
        if not selector:
            yield _useless(path, {}, "empty selector: matches every cluster", clusters)
        elif key := _unknown(selector, clusters):
            problem = f"no cluster has the label {key}={selector[key]}"
            yield _useless((*path, key), selector[key], problem, clusters)
        elif not any(_matches(selector, each) for each in clusters):
            problem = "no cluster has all of these labels"
            yield _useless(path, selector, problem, clusters)
        elif not any(wave_of(each) == number for each in clusters):
            problem = "every cluster that it matches is in an earlier wave"
            yield _useless(path, selector, problem, clusters)


def _selectors(cluster: ResolvedCluster) -> list[tuple[Path, Selector]]:
    given = cluster.settings.upgrades.canaries
    if isinstance(given, list):
        return [((*PATH, index), each) for index, each in enumerate(given)]
    return [(PATH, given)]


def _matches(selector: Selector, cluster: ResolvedCluster) -> bool:
    return selector.items() <= cluster.settings.labels.items()


def _unknown(selector: Selector, clusters: list[ResolvedCluster]) -> str | None:
    """Return the first key whose value matches no cluster."""
    return next(
        (
            key
            for key, value in selector.items()
            if not any(each.settings.labels.get(key) == value for each in clusters)
        ),
        None,
    )


def _useless(path: Path, value: object, problem: str, clusters: list[ResolvedCluster]) -> Issue:
    known = dict.fromkeys(item for each in clusters for item in each.settings.labels.items())
    shown = [f"{key}={value}" for key, value in known][:_SHOWN_LABELS]
    more = ", ..." if len(known) > _SHOWN_LABELS else ""
    key, label = next(iter(known), ("environment", "staging"))
    return issue(
        path,
        value,
        problem,
        allowed="labels of clusters that are not in an earlier wave"
        + (f": {', '.join(shown)}{more}" if shown else "; no cluster has labels"),
        example=f"canaries: {{{key}: {label}}}",
        sources=[(*PATH, DESCENDANTS), *((*each.path, "labels", DESCENDANTS) for each in clusters)],
    )
