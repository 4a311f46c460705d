"""Rollout waves: one per canary selector, and a last one of all other clusters."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from model.config.errors import DESCENDANTS, Path
from model.config.resolved_cluster import ResolvedCluster
from model.config.upgrades import label_selector
from model.rules import cluster_labels
from model.rules.issue import Issue, issue
from model.selectors import LabelSelector, Requirement

PATH: Path = ("upgrades", "canaries")


def wave_of(cluster: ResolvedCluster) -> int:
    """Return the number of the cluster's wave, from 0."""
    waves = _waves(cluster)
    matching = (number for number, wave in enumerate(waves) if _is_in(cluster, wave))
    return next(matching, len(waves))


def check_fleet(clusters: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield useless selectors: each must match a cluster that no earlier selector matches."""
    clusters = list(clusters)
    for number, wave in enumerate(_waves(clusters[0]) if clusters else ()):
        if not wave.selector.requirements:
            yield _useless(
                wave.path, wave.written, "empty selector: matches every cluster", clusters
            )
        elif requirement := cluster_labels.unmet(wave.selector, clusters):
            yield _without_clusters(wave, requirement, clusters)
        elif not any(_is_in(cluster, wave) for cluster in clusters):
            problem = "some clusters meet each requirement, but none meets all of them"
            yield _useless(wave.path, wave.written, problem, clusters)
        elif not any(wave_of(cluster) == number for cluster in clusters):
            problem = "every cluster that the selector matches is in an earlier wave"
            yield _useless(wave.path, wave.written, problem, clusters)


@dataclass(frozen=True)
class _Wave:
    """The selector of a wave: its config path, as it is written, and parsed."""

    path: Path
    written: Mapping[str, str] | str
    selector: LabelSelector


def _waves(cluster: ResolvedCluster) -> list[_Wave]:
    given = cluster.settings.upgrades.canaries
    if not isinstance(given, list):
        return [_Wave(PATH, given, label_selector(given))]
    return [
        _Wave((*PATH, index), selector, label_selector(selector))
        for index, selector in enumerate(given)
    ]


def _is_in(cluster: ResolvedCluster, wave: _Wave) -> bool:
    return wave.selector.matches(cluster.settings.labels)


def _without_clusters(
    wave: _Wave, requirement: Requirement, clusters: list[ResolvedCluster]
) -> Issue:
    if isinstance(wave.written, str):
        problem = f"no cluster has labels that meet {requirement}"
        return _useless(wave.path, wave.written, problem, clusters)
    problem = f"no cluster has the label {requirement}"
    key = requirement.key
    return _useless((*wave.path, key), wave.written[key], problem, clusters)


def _useless(path: Path, value: object, problem: str, clusters: list[ResolvedCluster]) -> Issue:
    known = cluster_labels.distinct(clusters)
    shown = cluster_labels.listed(known)
    key, label = next(iter(known), ("environment", "staging"))
    return issue(
        path,
        value,
        problem,
        allowed="labels of clusters that are not in an earlier wave"
        + (f": {shown}" if shown else "; no cluster has labels"),
        example=f"canaries: {{{key}: {label}}}",
        sources=[
            (*PATH, DESCENDANTS),
            *((*cluster.path, "labels", DESCENDANTS) for cluster in clusters),
        ],
    )
