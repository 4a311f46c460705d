"""The rows of the table of resources: of a fleet, its clusters, pools, nodes or pods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.capacity.report import CapacityReport, ClusterCapacity, Figures, NodeCapacity
from scripts.fleet.capacity_cells import (
    ALL,
    COLUMNS,
    DISK_COLUMNS,
    FULLEST,
    UNKNOWN,
    WIDE_COLUMNS,
    Column,
    Row,
    row_of,
)

# By what is shown: the columns that say what a row is about.
NAMES = {
    "fleet": ("CLUSTER",),
    "cluster": ("CLUSTER",),
    "pool": ("CLUSTER", "POOL"),
    "node": ("CLUSTER", "POOL", "NODE"),
    "pod": ("CLUSTER", "POOL", "NODE", "NAMESPACE", "POD"),
}
OF_NODES = ("node", "pod")
# One that is not called anything, in a column of names.
NO_NAME = "-"


@dataclass(frozen=True)
class Line:
    """What a row is about, its resources, and its last cells."""

    names: tuple[str, ...]
    row: Row
    last: tuple[str, ...]


def columns(by: str, *, wide: bool, disks: bool) -> list[Column]:
    """Return the columns of resources."""
    of_disks = [*DISK_COLUMNS, *(() if by in OF_NODES else (FULLEST,))] if disks else []
    return [*COLUMNS, *of_disks, *(WIDE_COLUMNS if wide else ())]


def head(by: str, shown: Sequence[Column]) -> list[str]:
    """Return the names of the columns."""
    last = ("STATUS", "ZONE") if by in OF_NODES else ("NODES",)
    return [*NAMES[by], *(name for name, _ in shown), *last]


def cells(report: CapacityReport, by: str, shown: Sequence[Column]) -> Iterator[list[str]]:
    """Yield a row for everything that is shown, and one for all together where there are more."""
    read = [cluster for cluster in report.clusters if cluster.reachable]
    lines = [] if by == "fleet" else [line for each in read for line in _lines(each, by)]
    if len(lines) != 1:
        last = (UNKNOWN, UNKNOWN) if by in OF_NODES else (_nodes(report.figures),)
        lines.insert(0, Line((), row_of(report.figures), last))
    for line in lines:
        names = [*line.names, *(ALL for _ in NAMES[by][len(line.names) :])]
        yield [*names, *(cell(line.row) for _, cell in shown), *line.last]


def _lines(cluster: ClusterCapacity, by: str) -> Iterator[Line]:
    if by == "cluster":
        yield Line((cluster.name,), row_of(cluster.figures), (_nodes(cluster.figures),))
    elif by == "pool":
        for pool in cluster.pools:
            names = cluster.name, pool.name or NO_NAME
            yield Line(names, row_of(pool.figures), (_nodes(pool.figures),))
    else:
        for node in cluster.nodes:
            yield from _of_node(cluster, node)


def _of_node(cluster: ClusterCapacity, node: NodeCapacity) -> Iterator[Line]:
    names = cluster.name, node.pool or NO_NAME, node.name
    ready = "Ready" if node.ready else "NotReady"
    status = f"{ready},SchedulingDisabled" if node.cordoned else ready
    last = status, node.zone or UNKNOWN
    yield Line(names, row_of(node.figures), last)
    for pod in node.pods:
        row = Row(node.figures.allocatable, pod.requests, pod.limits, pod.used)
        yield Line((*names, pod.namespace, pod.name), row, (UNKNOWN, UNKNOWN))


def _nodes(figures: Figures) -> str:
    """Return how many Nodes take pods, of how many."""
    return f"{figures.nodes_taking_pods}/{figures.nodes}"
