"""Rollout waves: one per canary selector, and a last one of all other clusters."""

from collections.abc import Iterable, Iterator

from model.config.errors import DESCENDANTS, Path
from model.config.resolve import ResolvedCluster
from model.config.schema import FleetConfig
from model.config.upgrades import Selector
from model.rules.issue import Issue, issue

PATH: Path = ("upgrades", "canaries")
_SHOWN_LABELS = 6


def wave_of(layout: ResolvedCluster) -> int:
    """Return the number of the cluster's wave, from 0."""
    selectors = [selector for _, selector in _selectors(layout.fleet)]
    for number, selector in enumerate(selectors):
        if _matches(selector, layout):
            return number
    return len(selectors)


def check_fleet(layouts: Iterable[ResolvedCluster]) -> Iterator[Issue]:
    """Yield useless selectors: each must match a cluster that no earlier selector matches."""
    layouts = list(layouts)
    fleet = layouts[0].fleet if layouts else None
    for number, (path, selector) in enumerate(_selectors(fleet) if fleet else ()):
        if not selector:
            yield _useless(path, {}, "empty selector: matches every cluster", layouts)
        elif key := _unknown(selector, layouts):
            problem = f"no cluster has the label {key}={selector[key]}"
            yield _useless((*path, key), selector[key], problem, layouts)
        elif not any(_matches(selector, each) for each in layouts):
            problem = "no cluster has all of these labels"
            yield _useless(path, selector, problem, layouts)
        elif not any(wave_of(each) == number for each in layouts):
            problem = "every cluster that it matches is in an earlier wave"
            yield _useless(path, selector, problem, layouts)


def _selectors(fleet: FleetConfig) -> list[tuple[Path, Selector]]:
    given = fleet.upgrades.canaries
    if isinstance(given, list):
        return [((*PATH, index), each) for index, each in enumerate(given)]
    return [(PATH, given)]


def _matches(selector: Selector, layout: ResolvedCluster) -> bool:
    return selector.items() <= layout.cluster.labels.items()


def _unknown(selector: Selector, layouts: list[ResolvedCluster]) -> str | None:
    """Return the first key whose value matches no cluster."""
    return next(
        (
            key
            for key, value in selector.items()
            if not any(each.cluster.labels.get(key) == value for each in layouts)
        ),
        None,
    )


def _useless(path: Path, value: object, problem: str, layouts: list[ResolvedCluster]) -> Issue:
    known = dict.fromkeys(item for each in layouts for item in each.cluster.labels.items())
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
        sources=[(*PATH, DESCENDANTS), *((*each.path, "labels", DESCENDANTS) for each in layouts)],
    )
