"""In what clusters differ from their config and from each other, with the clusters by value."""

from collections.abc import Iterator

from pydantic import Field

from model.consistency.report import STATES, Cell, Consistency, NodeValue, Row, State
from model.natural_order import natural
from model.report import ReportEntry


class DifferentValue(ReportEntry):
    """A value that is to be looked at, and who has it."""

    value: str = Field(description="The value; empty: there is none.")
    declared: str | None = Field(description="What is declared; null: nothing.")
    state: State = Field(description=STATES)
    fields: tuple[str, ...] = Field(description="Fields of an object that are not as declared.")
    clusters: tuple[str, ...] = Field(description="The clusters that have it.")
    nodes: int = Field(description="On how many Nodes; 0: it is a cluster's, or all Nodes' of it.")


class DifferentItem(ReportEntry):
    """An item in which a cluster differs."""

    area: str = Field(description="What it belongs to, such as kubelet.")
    item: str = Field(description="What it is, such as a flag, a field or an object.")
    most: str | None = Field(description="The value that most clusters have; null: none.")
    agree: int = Field(description="How many clusters have it.")
    of: int = Field(description="How many clusters were read.")
    values: tuple[DifferentValue, ...] = Field(description="The values that are others.")

    @property
    def title(self) -> str:
        """Return what identifies it."""
        return f"{self.area} {self.item}"


class Differences(ReportEntry):
    """What `fleet consistency` says, reduced to what differs."""

    clusters: int = Field(description="How many clusters were compared.")
    compared: int = Field(description="How many items were compared.")
    is_declared: bool = Field(description="Whether clusters were compared with a config.")
    items: tuple[DifferentItem, ...] = Field((), description="Items that differ, by area.")

    def of_cluster(self, cluster: str, *states: State) -> list[str]:
        """Return the items in which a cluster's value is one of these states."""
        return [
            item.title
            for item in self.items
            if any(each.state in states and cluster in each.clusters for each in item.values)
        ]


def of_consistency(found: Consistency) -> Differences:
    """Reduce a matrix of clusters to its rows with a difference, alike ones in one value."""
    return Differences(
        clusters=sum(each.reachable for each in found.clusters),
        compared=found.compared,
        is_declared=any(each.is_declared for each in found.clusters),
        items=tuple(_item(row) for row in found.rows if row.is_difference),
    )


def _item(row: Row) -> DifferentItem:
    groups: dict[tuple[object, ...], list[tuple[str, int]]] = {}
    for cell in row.cells:
        for value, nodes in _values(cell):
            key = value.state, value.value, value.declared, tuple(cell.fields)
            groups.setdefault(key, []).append((cell.cluster, nodes))
    values = [
        DifferentValue.model_validate(
            {
                "state": state,
                "value": value,
                "declared": declared,
                "fields": fields,
                "clusters": sorted({name for name, _ in users}, key=natural),
                "nodes": sum(nodes for _, nodes in users),
            }
        )
        for (state, value, declared, fields), users in groups.items()
    ]
    values.sort(key=lambda each: (len(each.clusters), each.value))
    return DifferentItem(
        area=row.area, item=row.item, most=row.most, agree=row.agree, of=row.of,
        values=tuple(values),
    )  # fmt: skip


def _values(cell: Cell) -> Iterator[tuple[Cell | NodeValue, int]]:
    """Yield what differs of a cluster: of single Nodes with their number."""
    if cell.nodes:
        yield from ((each, len(each.nodes)) for each in cell.nodes if each.state.is_difference)
    elif cell.state.is_difference:
        yield cell, 0
