"""What machines report of themselves that is not as it was declared, alike machines in one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from model.natural_order import natural
from model.status.condition import Condition, Severity, sorted_by_severity
from model.status.reasons import DRIFT, OF_MACHINES


@dataclass(frozen=True)
class MachineFinding:
    """Something that machines report; `since` is the earliest time, None if that is not known."""

    reason: str
    severity: Severity
    message: str
    clusters: tuple[str, ...]
    machines: int
    since: datetime | None


def of_conditions(conditions: Iterable[Condition]) -> list[MachineFinding]:
    """Return what machines report, with the clusters and the number of machines of each finding."""
    groups: dict[tuple[str, Severity, str], list[Condition]] = {}
    for each in sorted_by_severity(conditions):
        if each.reason in OF_MACHINES:
            groups.setdefault((each.reason, each.severity, each.message), []).append(each)
    return [
        MachineFinding(
            reason=reason,
            severity=severity,
            message=message,
            clusters=tuple(sorted({each.cluster for each in alike}, key=natural)),
            machines=len(alike),
            since=min((each.since for each in alike if each.since), default=None),
        )
        for (reason, severity, message), alike in groups.items()
    ]


def drift(conditions: Iterable[Condition]) -> list[str]:
    """Return what differs on machines, each thing once, however many machines have it."""
    found = (each.message.partition(": ")[0] for each in conditions if each.reason == DRIFT)
    return list(dict.fromkeys(found))
