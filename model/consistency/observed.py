"""What Nodes and clusters have of one item, and which of them differ from the others.

What is declared comes first: of what is declared in full, or is not as declared, nothing is
compared with others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from model.consistency import facts
from model.consistency.declaration import Declared
from model.consistency.deviation import deviates
from model.consistency.facts import VERSION_ITEMS, Items, Value
from model.consistency.report import State
from model.consistency.static_pods import VERSION

# They do not follow from the version of Kubernetes, or are it.
INDEPENDENT = {
    *((facts.VERSIONS, item) for item in VERSION_ITEMS),
    *((component, VERSION) for component in facts.COMPONENTS if component != facts.ETCD),
}


@dataclass(frozen=True)
class Group:
    """Nodes of a cluster with the same items, or a cluster itself (without `nodes`)."""

    cluster: int
    nodes: tuple[str, ...]
    items: Items
    declared: Items
    is_complete: bool


@dataclass
class Observed:
    """What a group has of one item."""

    group: Group
    value: Value | None
    wanted: Value | None
    key: tuple[Any, ...]
    state: State = State.SAME

    @property
    def text(self) -> str:
        """Its value as it is shown; "" if there is none."""
        return "" if self.value is None else str(self.value)

    @property
    def is_compared(self) -> bool:
        """Whether it is compared with others: what is declared in full, or wrong, is not."""
        return not isinstance(self.wanted, str) and self.state is not State.NOT_DECLARED

    @property
    def size(self) -> int:
        """How many Nodes have it; a cluster itself counts as one."""
        return max(1, len(self.group.nodes))


def observe(area: str, item: str, group: Group, wanted: Declared | None, version: str) -> Observed:
    """Return what a group has; `version` is the Kubernetes version of its cluster."""
    says = group.declared.get(item)
    basis = wanted.basis.get((area, item), "") if wanted else ""
    depends = "" if (area, item) in INDEPENDENT else version
    key = (depends, None if says is None else str(says), basis)
    return Observed(group, group.items.get(item), says, key)


def compare_with_declared(area: str, item: str, observed: Iterable[Observed]) -> None:
    """Mark what is not as declared; of complete flags, those that nothing declares as well."""
    for each in observed:
        is_flag = each.group.is_complete and item.startswith("--")
        if each.wanted is None:
            is_other = is_flag and each.value is not None
        else:
            is_other = deviates(area, each.wanted, each.value)
        if is_other:
            each.state = State.NOT_DECLARED


def compare_nodes(observed: Iterable[Observed]) -> None:
    """Compare Nodes of one cluster of which the same is declared."""
    alike: dict[tuple[Any, ...], list[Observed]] = defaultdict(list)
    for each in observed:
        if each.group.nodes and each.is_compared:
            alike[each.group.cluster, each.key].append(each)
    for group in alike.values():
        counts: Counter[str] = Counter()
        for each in group:
            counts[each.text] += each.size
        _mark(group, counts)


def compare_clusters(observed: Iterable[Observed]) -> None:
    """Compare clusters of which the same is declared, each by what most of its Nodes have."""
    alike: dict[tuple[Any, ...], dict[int, list[Observed]]] = defaultdict(dict)
    for each in observed:
        if each.is_compared:
            alike[each.key].setdefault(each.group.cluster, []).append(each)
    for by_cluster in alike.values():
        counts: Counter[str] = Counter()
        voters = []
        for group in by_cluster.values():
            usual = _usual(group)
            if usual is not None:
                counts[usual] += 1
                voters += [each for each in group if each.text == usual]
        _mark(voters, counts)


def _usual(group: Sequence[Observed]) -> str | None:
    """Return the value of more than half of a cluster's Nodes, if there is one."""
    counts: Counter[str] = Counter()
    for each in group:
        counts[each.text] += each.size
    value, count = counts.most_common(1)[0]
    return value if count * 2 > counts.total() else None


def _mark(group: Iterable[Observed], counts: Counter[str]) -> None:
    """Mark those that differ from most, or all if most agree on nothing."""
    if len(counts) < 2:
        return
    value, count = counts.most_common(1)[0]
    has_most = count * 2 > counts.total()
    for each in group:
        if each.state is State.SAME and (not has_most or each.text != value):
            each.state = State.ODD if has_most else State.SPLIT
