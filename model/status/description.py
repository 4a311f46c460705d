"""The document of `fleet describe`: one cluster or machine, with its recent events."""

from datetime import datetime

from pydantic import Field

from model.report import ReportEntry
from model.status.condition import Condition
from model.status.fleet import ClusterStatus, NodeStatus


class RecentEvent(ReportEntry):
    """What happened to an object."""

    time: datetime = Field(description="When it last happened.")
    kind: str = Field(description="Normal or Warning.")
    reason: str = Field(description="Why, in a word.")
    subject: str = Field(description="The object: kind/name.")
    message: str = Field(description="What happened.")
    count: int = Field(description="How often.")


class Description(ReportEntry):
    """A cluster, or a machine of it."""

    cluster: str = Field(description="The cluster; of a kubeconfig, the context.")
    status: ClusterStatus | None = Field(description="The cluster; null: a machine is described.")
    node: NodeStatus | None = Field(description="The machine; null: a cluster is described.")
    conditions: list[Condition] = Field(description="What is wrong with it.")
    events: list[RecentEvent] = Field(
        description="The newest warnings of the cluster, or events of the machine, oldest first."
    )
