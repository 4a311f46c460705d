"""What has changed between two reports of a fleet."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from model.consistency.report import State
from model.report import ReportEntry
from model.status.fleet import ClusterStatus

if TYPE_CHECKING:
    from model.fleet_report.document import FleetReport

FILE_UNKNOWN = "StackFileUnknown"


class Change(ReportEntry):
    """A difference; `before` or `after` is empty for what began or ended."""

    cluster: str = Field(description="The cluster; empty: the stack.")
    kind: str = Field(
        description="What has changed: cluster, grade, version, nodes, condition, "
        "difference, exception, cis."
    )
    before: str = Field("", description="What it was; empty: it did not exist.")
    after: str = Field("", description="What it is; empty: it does not exist any more.")
    is_better: bool | None = Field(description="Whether it is an improvement; null: neither.")


def changes(
    before: "FleetReport", after: "FleetReport", asked: Collection[str] | None = None
) -> tuple[Change, ...]:
    """Return the differences, cluster after cluster.

    `asked` are the clusters that the new report is about, where these are not all: others have not
    gone because they are not in it.
    """
    return tuple(_changes(before, after, asked))


def _changes(
    before: "FleetReport", after: "FleetReport", asked: Collection[str] | None
) -> Iterator[Change]:
    old = {each.name: each for each in before.status.clusters}
    new = {each.name: each for each in after.status.clusters}
    for name in old:
        if name not in new and (asked is None or name in asked):
            yield Change(cluster=name, kind="cluster", before=name, is_better=None)
    old_grades = {each.cluster: each for each in before.grades}
    old_different, new_different = _differences(before), _differences(after)
    old_cis, new_cis = _failed_items(before), _failed_items(after)
    for grade in after.grades:
        name = grade.cluster
        if name not in old:
            yield Change(cluster=name, kind="cluster", after=name, is_better=None)
            continue
        known = old_grades.get(name)
        if known and known.grade != grade.grade:
            yield Change(
                cluster=name,
                kind="grade",
                before=known.grade,
                after=grade.grade,
                is_better=grade.points > known.points,
            )
        if new[name].reachable and old[name].reachable:
            yield from _of_cluster(old[name], new[name])
        yield from _of_conditions(old[name], new[name])
        if not (_is_without_file(before) or _is_without_file(after)):
            yield from _of_lines(name, "exception", old[name].exceptions, new[name].exceptions)
        if name in old_different and name in new_different:
            yield from _of_lines(name, "difference", old_different[name], new_different[name])
        if name in old_cis and name in new_cis:
            yield from _of_lines(name, "cis", old_cis[name], new_cis[name])


def _of_cluster(old: ClusterStatus, new: ClusterStatus) -> Iterator[Change]:
    for kind, was, now in (
        ("version", old.version, new.version),
        ("nodes", _total(old), _total(new)),
    ):
        if was and now and was != now:
            yield Change(cluster=new.name, kind=kind, before=was, after=now, is_better=None)


def _of_lines(
    cluster: str, kind: str, old: Collection[str], new: Collection[str]
) -> Iterator[Change]:
    """Yield what began and what ended."""
    for line in new:
        if line not in old:
            yield Change(cluster=cluster, kind=kind, after=line, is_better=False)
    for line in old:
        if line not in new:
            yield Change(cluster=cluster, kind=kind, before=line, is_better=True)


def _of_conditions(old: ClusterStatus, new: ClusterStatus) -> Iterator[Change]:
    """Yield problems by reason: their messages have ages and counts that change by themselves."""
    for change in _of_lines(new.name, "condition", _problems(old), _problems(new)):
        # Of a cluster that does not answer, nothing is known to have ended.
        if new.reachable or change.after:
            yield change


def _problems(cluster: ClusterStatus) -> list[str]:
    return list(dict.fromkeys(each.reason for each in cluster.conditions if each.is_problem))


def _is_without_file(report: "FleetReport") -> bool:
    """Whether the stack's file could not be read: exceptions are not known then."""
    return any(each.reason == FILE_UNKNOWN for each in report.status.conditions)


def _failed_items(report: "FleetReport") -> dict[str, list[str]]:
    """Return the items that fail, of each cluster that was read completely."""
    if report.cis is None:
        return {}
    unread = _unread(report, "cis")
    return {
        row.cluster: [each.item for each in report.cis.failed if row.cluster in each.clusters]
        for row in report.cis.clusters
        if row.cluster not in unread
    }


def _differences(report: "FleetReport") -> dict[str, list[str]]:
    """Return the items in which each cluster differs of which everything was read."""
    if report.differences is None:
        return {}
    unread = _unread(report, "consistency")
    return {
        each.name: report.differences.of_cluster(each.name, State.NOT_DECLARED, State.ODD)
        for each in report.status.clusters
        if each.reachable and each.name not in unread
    }


def _unread(report: "FleetReport", source: str) -> set[str]:
    """Return the clusters of which something of a source was not read."""
    return {
        each.cluster
        for found in report.sources
        if found.name == source
        for each in found.unreadable
    }


def _total(cluster: ClusterStatus) -> str:
    return str(cluster.nodes_ready.total) if cluster.nodes_ready else ""
