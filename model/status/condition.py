"""A condition of a cluster or of one of its objects, which explains itself.

The columns are those of `clusterctl describe cluster`.
https://cluster-api.sigs.k8s.io/clusterctl/commands/describe-cluster
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from model.plural import counted
from model.report import ReportEntry

# Of alike objects, so many are named.
NAMED = 3


class Ready(StrEnum):
    """Whether something is as it should be; Unknown if it could not be read."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Severity(StrEnum):
    """How urgent a condition is: an Error is an outage, a Warning may become one."""

    ERROR = "Error"
    WARNING = "Warning"
    INFO = "Info"


_WORST_FIRST = tuple(Severity)


class Condition(ReportEntry):
    """A condition: what is not as it should be, since when, and what to do."""

    cluster: str = Field(description="The cluster; empty: the stack.")
    kind: str = Field("", description="Kind of the object, such as Node; empty: the cluster.")
    name: str = Field("", description="Name of the object; empty: the cluster.")
    ready: Ready = Field(Ready.FALSE, description="Unknown: it could not be read.")
    severity: Severity = Field(description="Error: an outage. Warning: it may become one.")
    reason: str = Field(description="One word for programs.")
    since: datetime | None = Field(None, description="Since when; null if that is not known.")
    message: str = Field(description="What it is, and what to do.")

    @property
    def is_problem(self) -> bool:
        """Whether the fleet is not healthy because of it."""
        return self.severity is not Severity.INFO

    @property
    def subject(self) -> str:
        """Return what it is about, as CLUSTER or CLUSTER/OBJECT."""
        return f"{self.cluster}/{self.name}" if self.name else self.cluster or "-"


def sorted_by_severity(conditions: Iterable[Condition]) -> list[Condition]:
    """Return the conditions, worst first, otherwise in their order."""
    return sorted(conditions, key=lambda each: _WORST_FIRST.index(each.severity))


def grouped(conditions: Iterable[Condition]) -> list[Condition]:
    """Return the conditions, worst first, with one for all objects of a cluster that are alike.

    It has the earliest time, and its message names the objects, at most `NAMED` of them.
    """
    groups: dict[tuple[str, ...], list[Condition]] = {}
    for each in sorted_by_severity(conditions):
        alike = (each.cluster, each.kind, each.ready, each.severity, each.reason, each.message)
        groups.setdefault(alike, []).append(each)
    return [_combined(group) if len(group) > 1 else group[0] for group in groups.values()]


def _combined(group: list[Condition]) -> Condition:
    first = group[0]
    names = sorted(each.name for each in group)
    rest = len(names) - NAMED
    listed = ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
    return first.model_copy(
        update={
            "name": counted(len(names), first.kind or "object"),
            "since": min((each.since for each in group if each.since), default=None),
            "message": f"{first.message} ({listed})",
        }
    )
