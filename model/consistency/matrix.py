"""Items of many clusters, compared: with what is declared, with each other, and between Nodes.

A cluster's values are compared with its own config first. What a config says of an item is all
that is compared of it: clusters whose configs differ are not odd. Of what no config says, clusters
are compared that have in common what it depends on: the version of Kubernetes, and what is declared
of the rest of the item.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from model.consistency import facts
from model.consistency.declaration import Declared
from model.consistency.deviation import deviates, other_fields
from model.consistency.facts import AREAS, ClusterFacts, Items
from model.consistency.observed import (
    Group,
    Observed,
    compare_clusters,
    compare_nodes,
    compare_with_declared,
    observe,
)
from model.consistency.report import Cell, NodeValue, Row, State

# Those of which a cluster, or a Node, need not have what others have.
OPTIONAL = (facts.CLUSTER, facts.POD_SECURITY, *facts.HOST_AREAS)
# A cluster's own: never compared with another cluster's.
OWN = (facts.CLUSTER,)


@dataclass(frozen=True)
class Matrix:
    """Rows in the order of the areas, and how many items were compared for them."""

    rows: list[Row]
    compared: int


def matrix(
    clusters: Sequence[ClusterFacts], declared: Mapping[str, Declared], *, every: bool = False
) -> Matrix:
    """Return the rows that have a difference, or every row."""
    wanted = [declared.get(cluster.name) for cluster in clusters]
    versions = [
        its.version if its else cluster.version
        for cluster, its in zip(clusters, wanted, strict=True)
    ]
    unknown = {
        (index, each.area)
        for index, cluster in enumerate(clusters)
        for each in cluster.unread
        if not each.node
    }
    found, compared = [], 0
    for area in _areas(clusters):
        groups = list(_groups(area, clusters, wanted))
        alike = list({(id(each.items), id(each.declared)): each for each in groups}.values())
        names = {name for group in alike for its in (group.items, group.declared) for name in its}
        compared += len(names)
        for item in sorted(names):
            if not every and _is_alike(area, item, alike):
                continue
            row = _row(area, item, clusters, wanted, versions, groups, unknown)
            if every or row.is_difference:
                found.append(row)
    return Matrix(found, compared)


def _is_alike(area: str, item: str, groups: Sequence[Group]) -> bool:
    """Return whether all have the same value, as declared: true of most items of most fleets."""
    value = groups[0].items.get(item)
    for group in groups:
        if group.items.get(item) != value:
            return False
        if item in group.declared:
            if deviates(area, group.declared[item], value):
                return False
        elif group.is_complete and item.startswith("--"):
            return False
    return value is not None


def _areas(clusters: Sequence[ClusterFacts]) -> list[str]:
    """Return the areas, those that nothing here knows last."""
    found = {
        area
        for cluster in clusters
        for its in (cluster.areas, *cluster.nodes.values())
        for area in its
    }
    return [*AREAS, *sorted(found - {*AREAS})]


def _groups(
    area: str, clusters: Sequence[ClusterFacts], wanted: Sequence[Declared | None]
) -> Iterator[Group]:
    nothing: Items = {}
    for index, (cluster, its) in enumerate(zip(clusters, wanted, strict=True)):
        if not cluster.reachable:
            continue
        if area in cluster.areas:
            yield Group(
                index,
                (),
                cluster.areas[area],
                its.areas.get(area, nothing) if its else nothing,
                False,
            )
        # Nodes that are alike are one object each: they are compared once.
        alike: dict[tuple[int, int], tuple[list[str], Items, Items]] = {}
        for node, areas in cluster.nodes.items():
            if area not in areas:
                continue
            says = its.nodes.get(node, {}).get(area, nothing) if its else nothing
            key = id(areas[area]), id(says)
            alike.setdefault(key, ([], areas[area], says))[0].append(node)
        for nodes, items, says in alike.values():
            is_complete = its is not None and area in its.complete and bool(says)
            yield Group(index, tuple(nodes), items, says, is_complete)


def _row(
    area: str,
    item: str,
    clusters: Sequence[ClusterFacts],
    wanted: Sequence[Declared | None],
    versions: Sequence[str],
    groups: Sequence[Group],
    unknown: set[tuple[int, str]],
) -> Row:
    is_of_nodes = any(
        group.nodes and (item in group.items or item in group.declared) for group in groups
    )
    observed = [
        observe(area, item, group, wanted[group.cluster], versions[group.cluster])
        for group in groups
        if bool(group.nodes) == is_of_nodes or item in group.items or item in group.declared
    ]
    observed = [each for each in observed if not _is_nothing(area, each, unknown)]
    compare_with_declared(area, item, observed)
    compare_nodes(observed)
    if area not in OWN:
        compare_clusters(observed)
    by_cluster: dict[int, list[Observed]] = defaultdict(list)
    for each in observed:
        by_cluster[each.group.cluster].append(each)
    cells = [
        _cell(area, cluster, by_cluster.get(index, []), is_unknown=(index, area) in unknown)
        for index, cluster in enumerate(clusters)
    ]
    return _counted(area, item, cells)


def _is_nothing(area: str, each: Observed, unknown: set[tuple[int, str]]) -> bool:
    """Return whether that there is no value says nothing: it may be unread, or need not be."""
    if each.value is not None:
        return False
    return (each.group.cluster, area) in unknown or (area in OPTIONAL and each.wanted is None)


def _cell(
    area: str, cluster: ClusterFacts, observed: Sequence[Observed], *, is_unknown: bool
) -> Cell:
    if not observed or not cluster.reachable:
        state = State.UNKNOWN if is_unknown or not cluster.reachable else State.NONE
        return Cell(cluster=cluster.name, state=state)
    usual = max(observed, key=lambda each: each.size)
    first = next((each for each in observed if each.state is State.NOT_DECLARED), usual)
    fields = {
        path
        for each in observed
        if each.state is State.NOT_DECLARED and each.wanted is not None
        for path in other_fields(area, each.wanted, each.value)
    }
    nodes: list[NodeValue] = []
    if len({(each.text, each.state) for each in observed}) > 1:
        nodes = [_node_value(each) for each in observed]
    return Cell(
        cluster=cluster.name,
        value=usual.text,
        declared=None if first.wanted is None else str(first.wanted),
        state=usual.state,
        fields=sorted(fields),
        nodes=nodes,
    )


def _node_value(each: Observed) -> NodeValue:
    return NodeValue(
        nodes=list(each.group.nodes),
        value=each.text,
        declared=None if each.wanted is None else str(each.wanted),
        state=each.state,
    )


def _counted(area: str, item: str, cells: list[Cell]) -> Row:
    known = [each for each in cells if each.state not in (State.UNKNOWN, State.NONE)]
    counts = Counter(each.value for each in known if not each.nodes)
    value, count = counts.most_common(1)[0] if counts else ("", 0)
    has_most = count * 2 > len(known)
    return Row(
        area=area,
        item=item,
        most=value if has_most else None,
        agree=count if has_most else 0,
        of=len(known),
        cells=cells,
    )
