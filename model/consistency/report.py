"""The document of `fleet consistency`: a matrix of items and clusters."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from model.report import ReportEntry


class State(StrEnum):
    """What a value is, compared with what is declared and with the others."""

    SAME = "same"
    NOT_DECLARED = "notDeclared"
    ODD = "odd"
    SPLIT = "split"
    UNKNOWN = "unknown"
    NONE = "none"

    @property
    def is_difference(self) -> bool:
        """Whether it is to be looked at."""
        return self in (State.NOT_DECLARED, State.ODD, State.SPLIT)


STATES = (
    "same: as declared, and as the others. notDeclared: not as declared. odd: most others agree on "
    "another value. split: others differ, and most agree on none. unknown: it was not read. "
    "none: the cluster has no such thing, and need not."
)


class NodeValue(ReportEntry):
    """A value that some Nodes of a cluster have."""

    nodes: list[str] = Field(description="The Nodes that have it.")
    value: str = Field(description="The value; empty: there is none.")
    declared: str | None = Field(None, description="What is declared of them; null: nothing.")
    state: State = Field(description=STATES)


class Cell(ReportEntry):
    """An item of a cluster."""

    cluster: str = Field(description="The cluster.")
    value: str = Field(
        "", description="Its value, of most of its Nodes if they have one each; empty: none."
    )
    declared: str | None = Field(None, description="What is declared; null: nothing.")
    state: State = Field(description=STATES)
    fields: list[str] = Field(
        default_factory=list, description="The fields of an object that are not as declared."
    )
    nodes: list[NodeValue] = Field(
        default_factory=list, description="If not all Nodes have the same: each value."
    )

    @property
    def is_difference(self) -> bool:
        """Whether it, or one of its Nodes, is to be looked at."""
        return self.state.is_difference or any(each.state.is_difference for each in self.nodes)


class Row(ReportEntry):
    """An item, compared."""

    area: str = Field(description="What it belongs to, such as kubelet.")
    item: str = Field(description="What it is, such as a flag, a field or an object.")
    most: str | None = Field(description="The value that most clusters have; null: none.")
    agree: int = Field(description="How many clusters have it.")
    of: int = Field(description="How many clusters were read.")
    cells: list[Cell] = Field(description="A cell for each cluster, in the order asked.")

    @property
    def is_difference(self) -> bool:
        """Whether a cluster or a Node differs."""
        return any(each.is_difference for each in self.cells)


class NotRead(ReportEntry):
    """What could not be read: nothing is known of it."""

    cluster: str = Field(description="The cluster.")
    area: str = Field(description="What was not read; empty: the cluster did not answer.")
    nodes: list[str] = Field(description="The Nodes of which it was not read; empty: of all.")
    reason: str = Field(description="Why.")
    starting: bool = Field(
        False, description="Whether it is so young that it is no problem, and there soon."
    )


class ComparedCluster(ReportEntry):
    """A cluster that was asked."""

    name: str = Field(description="The cluster; of a kubeconfig, the context.")
    reachable: bool = Field(description="Whether its API answered.")
    version: str = Field(description="The version of the API server that answered.")
    nodes: int = Field(description="How many Nodes it has.")
    is_declared: bool = Field(description="Whether it was compared with a config.")
    differences: int = Field(description="In how many rows it differs.")


class Consistency(ReportEntry):
    """The clusters that were compared, and the items in which they differ."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    time: datetime = Field(description="When the clusters were asked.")
    clusters: list[ComparedCluster] = Field(description="The clusters, in the order asked.")
    compared: int = Field(description="How many items were compared.")
    rows: list[Row] = Field(description="Items that differ; with --all, every item.")
    not_read: list[NotRead] = Field(description="What was not read.")
    reason: str = Field("", description="Why nothing was compared with a config, if it has one.")

    @property
    def has_differences(self) -> bool:
        """Whether something differs."""
        return any(row.is_difference for row in self.rows)

    @property
    def is_complete(self) -> bool:
        """Whether all was read, and compared with a config, except for what is starting."""
        return not self.reason and all(each.starting for each in self.not_read)


class FieldDifference(ReportEntry):
    """A field that two clusters do not have in common."""

    area: str = Field(description="What it belongs to.")
    item: str = Field(description="The item.")
    path: str = Field(description="The field of an object; empty: the item is a single value.")
    a: str | None = Field(description="The value in the first cluster; null: it has none.")
    b: str | None = Field(description="The value in the second cluster; null: it has none.")


class Difference(ReportEntry):
    """The document of `fleet diff`: two clusters down to the field."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    time: datetime = Field(description="When the clusters were asked.")
    a: str = Field(description="The first cluster.")
    b: str = Field(description="The second cluster.")
    fields: list[FieldDifference] = Field(description="What differs, in the order of the areas.")
    not_read: list[NotRead] = Field(description="What was not read.")

    @property
    def is_complete(self) -> bool:
        """Whether all was read, except for what is starting."""
        return all(each.starting for each in self.not_read)
