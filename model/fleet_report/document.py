"""The document of `fleet report`: what its page shows, and what the next report compares with.

Its fields are those of the schema in docs/report.schema.json.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from model.fleet_report.changes import Change
from model.fleet_report.differences import Differences
from model.fleet_report.grade import ClusterGrade
from model.fleet_report.highlights import AuditHighlights
from model.fleet_report.reduced import CertificateDates, CisOverview, SavedClusters
from model.fleet_report.room import FleetRoom
from model.fleet_report.versions import VersionUse
from model.report import ReportEntry, Unreadable
from model.status.fleet import FleetStatus


class SourceName(StrEnum):
    """What a report is made of."""

    STATUS = "status"
    CONSISTENCY = "consistency"
    CAPACITY = "capacity"
    CERTIFICATES = "certificates"
    BACKUPS = "backups"
    CIS = "cis"
    AUDIT = "audit"


class SourceState(StrEnum):
    """Whether a source was read: completely, in part, not at all, or on purpose not."""

    READ = "read"
    PARTIAL = "partial"
    UNREAD = "unread"
    OMITTED = "omitted"


class Source(ReportEntry):
    """One of the things that a report is made of, and what of it could not be read."""

    name: SourceName = Field(description="What it is.")
    state: SourceState = Field(description="Whether it was read; `omitted`: it was not requested.")
    reason: str = Field("", description="Why it was not read at all; may be empty.")
    unreadable: tuple[Unreadable, ...] = Field((), description="What of it could not be read.")


class FleetReport(ReportEntry):
    """A fleet at one time, the worst cluster first in `grades`; null: not read."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    name: str = Field(description="The stack, or the file name of the kubeconfig.")
    is_stack: bool = Field(description="Whether it is a stack: its file and machines are known.")
    time: datetime = Field(description="When the report was made.")
    grades: tuple[ClusterGrade, ...] = Field(description="Each cluster's grade, the worst first.")
    status: FleetStatus = Field(description="What `fleet status` says, without single Nodes.")
    versions: tuple[VersionUse, ...] = Field((), description="Versions, and who has them.")
    differences: Differences | None = Field(None, description="In what clusters differ.")
    capacity: FleetRoom | None = Field(None, description="What is requested and used.")
    certificates: CertificateDates | None = Field(None, description="When certificates expire.")
    backups: SavedClusters | None = Field(None, description="The newest snapshots of etcd.")
    cis: CisOverview | None = Field(None, description="What the CIS benchmark's items say.")
    audit: AuditHighlights | None = Field(None, description="What audit logs say, counted.")
    since: datetime | None = Field(
        None, description="The time of the report that this one is compared with; null: none."
    )
    changes: tuple[Change, ...] = Field((), description="What has changed since then.")
    sources: tuple[Source, ...] = Field((), description="What was read, and what was not.")

    def source(self, name: SourceName) -> Source | None:
        """Return what is known of the reading of a source."""
        return next((each for each in self.sources if each.name is name), None)
