"""The snapshots of etcd that control planes keep; `fleet backup ls -o json` prints this document.

Its fields are those of the schema in docs/backups.schema.json.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from model.report import MachineEntry, ReportEntry, Unreadable

# A control plane takes one a day.
OVERDUE = timedelta(days=2)
# Snapshots that are newer than now by more than this were taken before a clock was corrected.
CLOCK_TOLERANCE = timedelta(hours=1)
# A new control plane takes its first one within minutes, if etcd and the disk let it.
FIRST_SECONDS = 3600
NAME_FORMAT = "%Y%m%dT%H%M%SZ.db"


class KeptSnapshot(MachineEntry):
    """A snapshot on a control plane."""

    name: str = Field(description="The name of its file, which is when it was taken.")
    taken: datetime = Field(description="When it was taken.")
    size_bytes: int = Field(description="The size of its file.")
    state: Literal["kept", "intact", "corrupt"] = Field(
        description="`kept`: verified when taken; with `--verify`, `intact` or `corrupt` now."
    )


class Backups(ReportEntry):
    """What was found, the newest snapshot first."""

    time: datetime = Field(description="When it was read.")
    snapshots: tuple[KeptSnapshot, ...] = Field(
        (), description="All snapshots; last those of the future, from a clock that was wrong."
    )
    overdue: tuple[MachineEntry, ...] = Field(
        (), description="Control planes without a snapshot of the last two days, except new ones."
    )
    new: tuple[MachineEntry, ...] = Field(
        (), description="Control planes that joined within the hour and have no snapshot yet."
    )
    unreadable: tuple[Unreadable, ...] = Field((), description="Machines that could not be read.")

    @property
    def findings(self) -> bool:
        """Whether a control plane lacks a recent snapshot, or one is corrupt."""
        return bool(self.overdue) or any(found.state == "corrupt" for found in self.snapshots)


def combined(found: Sequence[Backups], time: datetime) -> Backups:
    """Combine what several control planes keep."""
    snapshots = [each for one in found for each in one.snapshots]

    def order(kept: KeptSnapshot) -> tuple[bool, datetime]:
        return not is_of_future(kept.taken, time), kept.taken

    return Backups(
        time=time,
        snapshots=tuple(sorted(snapshots, key=order, reverse=True)),
        overdue=tuple(each for one in found for each in one.overdue),
        new=tuple(each for one in found for each in one.new),
        unreadable=tuple(each for one in found for each in one.unreadable),
    )


def is_of_future(taken: datetime, now: datetime) -> bool:
    """Whether a snapshot was taken while its machine's clock was wrong: it is older than others."""
    return taken > now + CLOCK_TOLERANCE


def is_recent(taken: datetime, now: datetime) -> bool:
    """Whether a snapshot was taken in time."""
    return now - taken <= OVERDUE and not is_of_future(taken, now)


def is_name(name: str) -> bool:
    """Whether a control plane gives its snapshots such names: another file is a person's."""
    try:
        taken_at(name)
    except ValueError:
        return False
    return True


def taken_at(name: str) -> datetime:
    """Return when a snapshot was taken; raises ValueError if the name is not one of a snapshot."""
    return datetime.strptime(name, NAME_FORMAT).replace(tzinfo=UTC)
