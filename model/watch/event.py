"""An event of `fleet watch`: a condition began or ended. docs/watch.schema.json has its fields."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from model.report import ReportEntry
from model.status.condition import Severity


class Change(StrEnum):
    """What happened to a condition."""

    BEGAN = "began"
    ENDED = "ended"


class Event(ReportEntry):
    """A condition that began or ended; `id` grows by one with each event of a state file."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    id: int = Field(description="Its number: an event that is delivered again keeps it.")
    time: datetime = Field(description="When it was noticed.")
    event: Change = Field(description="What happened.")
    cluster: str = Field(description="The cluster; empty: the host that watches.")
    kind: str = Field("", description="Kind of the object, such as Node; empty: the cluster.")
    name: str = Field("", description="Name of the object; empty: the cluster.")
    severity: Severity = Field(description="Error: an outage. Warning: it may become one.")
    reason: str = Field(description="One word for programs.")
    message: str = Field(description="What it is, as it was last seen.")
    fix: str = Field(description="The command to begin with.")
    runbook: str = Field(description="Path of the runbook in the project.")
    began: datetime = Field(description="Since when it holds, as far as that is known.")
    ended: datetime | None = Field(None, description="When it was over; null: it holds.")
    note: str = Field("", description="Why it ended, if not because it was fixed.")

    @property
    def subject(self) -> str:
        """Return what it is about, as CLUSTER, CLUSTER/OBJECT or the name of this host."""
        return "/".join(filter(None, (self.cluster, self.name)))
