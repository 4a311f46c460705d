"""What is found wrong in a cluster at one moment, and what could not be looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from model.status.condition import Condition, Severity
from model.watch import remedies

# The source of what is known without the API: whether it answers.
API = "api"


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    `sources` are what it was read from: while one of them cannot be read, nothing is known of it.
    `item` distinguishes findings of one object that have the same reason. It is reported after it
    was there for `hold` seconds.
    """

    cluster: str
    sources: tuple[str, ...]
    reason: str
    severity: Severity
    message: str
    kind: str = ""
    name: str = ""
    item: str = ""
    since: datetime | None = None
    hold: float = 0.0

    @property
    def key(self) -> str:
        """Return what identifies it within its cluster, whatever its message says."""
        return "|".join((self.kind, self.name, self.reason, self.item))

    @property
    def fix(self) -> str:
        """Return the command to begin with."""
        return remedies.of(self.reason).command(self.cluster, self.name)

    @property
    def runbook(self) -> str:
        """Return the path of its runbook."""
        return remedies.of(self.reason).path


def of(condition: Condition, *sources: str, item: str = "", hold: float = 0.0) -> Finding:
    """Return the finding for a condition."""
    return Finding(
        cluster=condition.cluster,
        sources=sources,
        reason=condition.reason,
        severity=condition.severity,
        message=condition.message,
        kind=condition.kind,
        name=condition.name,
        item=item,
        # A cluster can send anything, also a time without a zone.
        since=condition.since if condition.since and condition.since.tzinfo else None,
        hold=hold,
    )


@dataclass(frozen=True)
class Snapshot:
    """What is wrong in a cluster now.

    Without `is_known`, nothing but the findings themselves is known; `unknown` are sources that
    cannot be read now. What was found before and belongs to them is neither over nor confirmed.
    """

    findings: tuple[Finding, ...] = ()
    unknown: frozenset[str] = field(default_factory=frozenset)
    is_known: bool = True

    def knows(self, sources: Iterable[str]) -> bool:
        """Whether a finding of these sources would be here if it still held."""
        every = set(sources)
        if not self.is_known:
            return every <= {API} and API not in self.unknown
        return not every & self.unknown

    def with_more(self, other: "Snapshot") -> "Snapshot":
        """Return this snapshot with what another one of the same cluster has found."""
        every = (*self.findings, *other.findings)
        return replace(self, findings=every, unknown=self.unknown | other.unknown)
