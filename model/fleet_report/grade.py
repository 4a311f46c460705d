"""The grade of a cluster: 100 points, less what each finding costs.

The two tables here are the whole scale; the page and docs/report.md print them. What was not read
costs nothing, and is said beside the grade.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from model.consistency.report import State
from model.fleet_report.differences import Differences
from model.fleet_report.machines import drift
from model.fleet_report.reduced import CertificateDates, CisOverview, SavedClusters
from model.fleet_report.room import NODE, ZONE, FleetRoom
from model.natural_order import natural
from model.pki.ledger import Status
from model.report import ReportEntry
from model.status.condition import Severity
from model.status.fleet import ClusterStatus
from model.status.reasons import DRIFT

FULL = 100
# From how many points on a cluster has a grade.
GRADES = (("A", 90), ("B", 75), ("C", 60), ("D", 45), ("E", 30), ("F", 0))
NAMED = 6
UNREACHABLE = "APIUnreachable"


@dataclass(frozen=True)
class Cost:
    """What a kind of finding costs: each one, and all of them together at most."""

    code: str
    points: int
    most: int


COSTS = (
    Cost("unreachable", 100, 100),
    Cost("outage", 40, 80),
    Cost("certificate-expired", 40, 40),
    Cost("backup-overdue", 20, 20),
    Cost("token-expired", 20, 20),
    Cost("certificate-expiring", 15, 15),
    Cost("certificate-missing", 10, 20),
    Cost("renewal-failed", 10, 10),
    Cost("backup-corrupt", 10, 10),
    Cost("token-expiring", 10, 10),
    Cost("no-room-node", 10, 10),
    Cost("warning", 10, 30),
    Cost("drift", 5, 20),
    Cost("not-declared", 5, 20),
    Cost("no-room-zone", 5, 5),
    Cost("pods-pending", 5, 5),
    Cost("single-control-plane", 5, 5),
    Cost("mixed-versions", 5, 5),
    Cost("exception", 3, 15),
    Cost("cis", 2, 20),
    Cost("odd", 1, 10),
)
_BY_CODE = {cost.code: cost for cost in COSTS}


class Reason(ReportEntry):
    """Findings of one kind in a cluster, and what they cost together."""

    code: str = Field(description="The kind of finding: a row of the scale in docs/report.md.")
    points: int = Field(description="What they cost.")
    count: int = Field(description="How many findings there are.")
    what: tuple[str, ...] = Field((), description="The first of them, in one word each.")


class ClusterGrade(ReportEntry):
    """A cluster's grade, and why it is not better."""

    cluster: str = Field(description="The cluster.")
    grade: str = Field(description="A to F.")
    points: int = Field(description="0 to 100.")
    reasons: tuple[Reason, ...] = Field(description="What costs points, the most first.")
    unread: tuple[str, ...] = Field((), description="Sources that say nothing of this cluster.")


@dataclass(frozen=True)
class Findings:
    """What was read beside the status; None: it was not."""

    certificates: CertificateDates | None = None
    backups: SavedClusters | None = None
    cis: CisOverview | None = None
    differences: Differences | None = None
    capacity: FleetRoom | None = None


def grades(
    clusters: Sequence[ClusterStatus],
    findings: Findings,
    unread: Mapping[str, tuple[str, ...]],
) -> tuple[ClusterGrade, ...]:
    """Return each cluster's grade, the worst first; `unread` is what was not read, by cluster."""
    found = [_grade(each, findings, unread.get(each.name, ())) for each in clusters]
    return tuple(sorted(found, key=lambda each: (each.points, natural(each.cluster))))


def letter(points: int) -> str:
    """Return the grade of so many points."""
    return next(grade for grade, least in GRADES if points >= least)


def _grade(cluster: ClusterStatus, findings: Findings, unread: tuple[str, ...]) -> ClusterGrade:
    found = ((code, list(what)) for code, what in _findings(cluster, findings))
    reasons = [_reason(code, what) for code, what in found if what]
    reasons.sort(key=lambda each: -each.points)
    points = max(0, FULL - sum(each.points for each in reasons))
    return ClusterGrade(
        cluster=cluster.name,
        grade=letter(points),
        points=points,
        reasons=tuple(reasons),
        unread=unread,
    )


def _reason(code: str, what: Sequence[str]) -> Reason:
    cost = _BY_CODE[code]
    return Reason(
        code=code,
        points=min(cost.points * len(what), cost.most),
        count=len(what),
        what=tuple(what[:NAMED]),
    )


def _findings(cluster: ClusterStatus, found: Findings) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield kinds of findings, each with a word for each finding."""
    if not cluster.reachable:
        yield "unreachable", [UNREACHABLE]
    yield "outage", _reasons(cluster, Severity.ERROR)
    yield "warning", (each for each in _reasons(cluster, Severity.WARNING) if each != DRIFT)
    yield "drift", drift(cluster.conditions)
    planes = cluster.control_planes
    yield "single-control-plane", ["1"] if planes and planes.total == 1 else []
    kubelets = cluster.kubelet_versions
    yield "mixed-versions", [", ".join(kubelets)] if len(kubelets) > 1 else []
    yield "exception", (line.partition(" ")[0].rstrip(":") for line in cluster.exceptions)
    if found.certificates:
        yield from _of_certificates(cluster.name, found.certificates)
    if found.backups:
        overdue = [each.node for each in found.backups.overdue if each.cluster == cluster.name]
        yield "backup-overdue", overdue[:1]
        yield (
            "backup-corrupt",
            [each.node for each in found.backups.corrupt if each.cluster == cluster.name][:1],
        )
    if found.differences:
        yield "not-declared", found.differences.of_cluster(cluster.name, State.NOT_DECLARED)
        yield "odd", found.differences.of_cluster(cluster.name, State.ODD)
    if found.capacity and (room := found.capacity.of_cluster(cluster.name)):
        yield "no-room-node", room.lost(NODE)
        yield "no-room-zone", room.lost(ZONE)
        yield "pods-pending", [f"{room.pending_pods:,}"] if room.pending_pods else []
    if found.cis:
        yield "cis", (each.item for each in found.cis.failed if cluster.name in each.clusters)


def _of_certificates(cluster: str, found: CertificateDates) -> Iterator[tuple[str, Iterable[str]]]:
    own = [each for each in found.dates if each.cluster == cluster and each.kind != "kubeconfig"]
    for code, status in (
        ("certificate-expired", Status.EXPIRED),
        ("certificate-expiring", Status.EXPIRING),
    ):
        yield code, [each.name for each in own if each.status is status][:NAMED]
    tokens = [each for each in found.tokens if each.cluster == cluster]
    for code, status in (("token-expired", Status.EXPIRED), ("token-expiring", Status.EXPIRING)):
        yield code, [each.tool for each in tokens if each.status is status]
    yield "certificate-missing", [each.name for each in found.missing if each.cluster == cluster]
    yield "renewal-failed", [each.subject for each in found.failures if each.cluster == cluster]


def _reasons(cluster: ClusterStatus, severity: Severity) -> list[str]:
    """Return the reasons of conditions, each once: ten Nodes that are not Ready are one finding."""
    return list(
        dict.fromkeys(
            each.reason
            for each in cluster.conditions
            if each.severity is severity and (cluster.reachable or each.reason != UNREACHABLE)
        )
    )
