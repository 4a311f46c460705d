"""A report, put together from what was read."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from model.fleet_report import grade
from model.fleet_report.changes import changes
from model.fleet_report.compared import NOTHING, OF_CLUSTERS, Compared
from model.fleet_report.document import FleetReport, Source, SourceName, SourceState
from model.fleet_report.highlights import AuditHighlights
from model.fleet_report.reduced import CertificateDates, CisOverview, SavedClusters, of_api_servers
from model.fleet_report.versions import versions
from model.status.fleet import ClusterStatus, FleetStatus

# What needs the machines of a stack.
ON_MACHINES = (SourceName.CERTIFICATES, SourceName.BACKUPS, SourceName.AUDIT, SourceName.CIS)


@dataclass(frozen=True)
class Read:
    """What was read beside the status; None: it was not."""

    sources: tuple[Source, ...] = ()
    certificates: CertificateDates | None = None
    backups: SavedClusters | None = None
    cis: CisOverview | None = None
    audit: AuditHighlights | None = None


def omitted(name: SourceName) -> Source:
    """Return a source that was not requested."""
    return Source(name=name, state=SourceState.OMITTED)


def unread(reason: str, wanted: Collection[SourceName]) -> Read:
    """Return what is known if no machine could be asked."""
    return Read(
        tuple(
            Source(name=each, state=SourceState.UNREAD, reason=reason)
            if each in wanted
            else omitted(each)
            for each in ON_MACHINES
        )
    )


def report(
    name: str,
    now: datetime,
    status: FleetStatus,
    read: Read,
    compared: Compared = NOTHING,
    *,
    is_stack: bool,
) -> FleetReport:
    """Return the report of a fleet, not compared with another one yet.

    Of the clusters of a kubeconfig that is no stack's, only what their API says is known.
    """
    certificates = read.certificates or of_api_servers(status.clusters, now)
    findings = grade.Findings(
        certificates, read.backups, read.cis, compared.differences, compared.capacity
    )
    of_apis = compared.sources or tuple(map(omitted, OF_CLUSTERS))
    of_machines = read.sources or tuple(map(omitted, ON_MACHINES))
    sources = (_of_status(status), *of_apis, *of_machines)
    clusters = [_with_backup(each, read.backups) for each in status.clusters]
    return FleetReport(
        name=name,
        is_stack=is_stack,
        time=now,
        grades=grade.grades(clusters, findings, _unread(clusters, sources)),
        status=status.model_copy(
            update={"clusters": [each.model_copy(update={"nodes": []}) for each in clusters]}
        ),
        versions=versions(status.clusters),
        differences=compared.differences,
        capacity=compared.capacity,
        certificates=certificates,
        backups=read.backups,
        cis=read.cis,
        audit=read.audit,
        sources=sources,
    )


def compared(
    new: FleetReport, former: FleetReport | None, asked: Sequence[str] | None
) -> FleetReport:
    """Return a report with what has changed since an earlier one; `asked` as for `changes`."""
    if former is None:
        return new
    return new.model_copy(
        update={"since": former.time, "changes": changes(former, new, asked)},
    )


def _with_backup(cluster: ClusterStatus, backups: SavedClusters | None) -> ClusterStatus:
    """Return a cluster with the time of its newest snapshot, which its API does not know."""
    for each in backups.clusters if backups else ():
        if each.cluster == cluster.name and each.taken:
            return cluster.model_copy(update={"last_backup": each.taken})
    return cluster


def _of_status(status: FleetStatus) -> Source:
    silent = [each for each in status.clusters if not each.reachable]
    state = SourceState.READ
    if silent:
        all_silent = len(silent) == len(status.clusters)
        state = SourceState.UNREAD if all_silent else SourceState.PARTIAL
    return Source(name=SourceName.STATUS, state=state)


def _unread(
    clusters: Sequence[ClusterStatus], sources: Sequence[Source]
) -> Mapping[str, tuple[str, ...]]:
    """Return the sources that say nothing, or not all, of each cluster."""
    return {each.name: tuple(_unread_of(each, sources)) for each in clusters}


def _unread_of(cluster: ClusterStatus, sources: Sequence[Source]) -> Iterator[str]:
    for source in sources:
        if source.name is SourceName.STATUS:
            if not cluster.reachable:
                yield source.name.value
        elif source.state in (SourceState.UNREAD, SourceState.OMITTED) or any(
            each.cluster == cluster.name for each in source.unreadable
        ):
            yield source.name.value
