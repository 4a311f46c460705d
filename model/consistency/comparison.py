"""The documents of `fleet consistency` and `fleet diff`, from the facts of clusters."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from model.consistency import facts
from model.consistency.declaration import Declared
from model.consistency.facts import AREAS, ClusterFacts, Document, Value
from model.consistency.matrix import matrix
from model.consistency.report import (
    ComparedCluster,
    Consistency,
    Difference,
    FieldDifference,
    NotRead,
)

# By item and path: each value, with the Nodes that have it, or none of a cluster itself.
Fields = dict[tuple[str, str], dict[str, list[str]]]


def consistency(
    clusters: Sequence[ClusterFacts],
    declared: Mapping[str, Declared],
    time: datetime,
    *,
    every: bool = False,
    reason: str = "",
) -> Consistency:
    """Return the matrix; `reason` is why `declared` has nothing, if it should."""
    found = matrix(clusters, declared, every=every)
    counts = {
        cluster.name: sum(row.cells[index].is_difference for row in found.rows)
        for index, cluster in enumerate(clusters)
    }
    return Consistency(
        time=time,
        clusters=[
            ComparedCluster(
                name=cluster.name,
                reachable=cluster.reachable,
                version=cluster.version,
                nodes=len(cluster.nodes),
                is_declared=cluster.name in declared,
                differences=counts[cluster.name],
            )
            for cluster in clusters
        ],
        compared=found.compared,
        rows=found.rows,
        not_read=list(not_read(clusters)),
        reason=reason,
    )


def not_read(clusters: Sequence[ClusterFacts]) -> Iterator[NotRead]:
    """Yield what was not read, with Nodes of which that is so for one reason in one."""
    for cluster in clusters:
        alike: dict[tuple[str, str], list[str]] = {}
        for each in cluster.unread:
            nodes = alike.setdefault((each.area, each.reason), [])
            nodes += [each.node] if each.node else []
        for (area, reason), nodes in alike.items():
            yield NotRead(cluster=cluster.name, area=area, nodes=nodes, reason=reason)


def difference(a: ClusterFacts, b: ClusterFacts, time: datetime) -> Difference:
    """Compare two clusters field by field; what only one of them can have is no difference."""
    return Difference(
        time=time,
        a=a.name,
        b=b.name,
        fields=list(_differences(a, b)) if a.reachable and b.reachable else [],
        not_read=list(not_read((a, b))),
    )


def _differences(a: ClusterFacts, b: ClusterFacts) -> Iterator[FieldDifference]:
    unread = {each.area for each in (*a.unread, *b.unread) if not each.node}
    for area in AREAS:
        if area == facts.CLUSTER or area in unread:
            continue
        one, other = _fields(a, area), _fields(b, area)
        for item, path in sorted(one.keys() | other.keys()):
            values = one.get((item, path), {}), other.get((item, path), {})
            if area in (facts.POD_SECURITY, *facts.HOST_AREAS) and not all(values):
                continue
            texts = tuple(map(_text, values))
            if texts[0] != texts[1]:
                yield FieldDifference(area=area, item=item, path=path, a=texts[0], b=texts[1])


def _fields(cluster: ClusterFacts, area: str) -> Fields:
    found: Fields = {}
    for node, areas in (("", cluster.areas), *cluster.nodes.items()):
        for item, value in areas.get(area, {}).items():
            for path, text in _by_path(value):
                nodes = found.setdefault((item, path), {}).setdefault(text, [])
                nodes += [node] if node else []
    return found


def _by_path(value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, Document) and value.fields:
        yield from value.fields.items()
    else:
        yield "", str(value)


def _text(values: Mapping[str, Sequence[str]]) -> str | None:
    """Return one value, or each with its Nodes; None if there is none."""
    if len(values) < 2:
        return next(iter(values), None)
    return "; ".join(f"{value} ({', '.join(nodes)})" for value, nodes in values.items())
