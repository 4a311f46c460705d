"""One condition of a cluster from its beginning to its end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from model.status.condition import Severity
from model.watch.finding import Finding

# It is over when it was known not to be there for so long: what comes back by then never ended.
END_SECONDS = 15.0
# Each return within this time doubles that, up to a limit.
RETURN = timedelta(hours=1)
LONGEST_END_SECONDS = 900.0


@dataclass
class Problem:
    """A condition that was found, told or not.

    Times of day are what people read. What is measured is measured in seconds of a clock that
    does not jump, `seen` (first) and `gone` (None while it is there); it begins again with each
    process.
    """

    finding: Finding
    began: datetime
    seen: float
    told: bool = False
    gone: float | None = None
    ended: datetime | None = None

    def confirm(self, finding: Finding) -> None:
        """Note that it is there."""
        self.finding, self.gone, self.ended = finding, None, None

    def miss(self, time: datetime, seconds: float) -> None:
        """Note that it is not there."""
        if self.gone is None:
            self.gone, self.ended = seconds, self.ended or time

    def doubt(self) -> None:
        """Note that it is not known whether it is there."""
        self.gone = None

    def is_due(self, seconds: float) -> bool:
        """Whether it is to be told."""
        return not self.told and self.gone is None and seconds - self.seen >= self.finding.hold

    def is_over(self, seconds: float, returns: int) -> bool:
        """Whether it has been gone for long enough, having returned so many times."""
        wait = min(END_SECONDS * 2**returns, LONGEST_END_SECONDS)
        return self.gone is not None and seconds - self.gone >= wait

    def to_json(self) -> dict[str, object]:
        """Return what a restart has to know of it."""
        found = self.finding
        return {
            "sources": list(found.sources),
            "reason": found.reason,
            "severity": str(found.severity),
            "message": found.message,
            "kind": found.kind,
            "name": found.name,
            "item": found.item,
            "began": self.began.isoformat(),
        }


def from_json(cluster: str, said: dict[str, object], seconds: float) -> Problem:
    """Return a problem that was reported; raise KeyError, TypeError or ValueError."""
    sources = said["sources"]
    if not isinstance(sources, list):
        raise TypeError("sources is no list")
    found = Finding(
        cluster=cluster,
        sources=tuple(map(str, sources)),
        reason=str(said["reason"]),
        severity=Severity(str(said["severity"])),
        message=str(said["message"]),
        kind=str(said["kind"]),
        name=str(said["name"]),
        item=str(said["item"]),
    )
    began = datetime.fromisoformat(str(said["began"]))
    if began.tzinfo is None:
        raise ValueError("a time has no zone")
    return Problem(found, began, seconds, told=True)
