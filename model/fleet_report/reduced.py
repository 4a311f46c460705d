"""What a report keeps of the documents that are about single machines.

A fleet of 100 clusters has 5,000 machines with 20 certificates each, and a page is read by people.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field

from model.backups import Backups, is_of_future
from model.cis.item import State
from model.cis.report import Report, Summary
from model.natural_order import natural
from model.pins import CIS_BENCHMARK
from model.pki.ledger import Certificate, Ledger, MissingFile, RenewalFailure, Status, Token
from model.report import MachineEntry, ReportEntry
from model.status.fleet import ClusterStatus

_WORST_FIRST = (Status.EXPIRED, Status.EXPIRING, Status.VALID)


class CertificateDate(ReportEntry):
    """Certificates of one cluster with one name: the one that expires first."""

    cluster: str = Field(description="The cluster.")
    name: str = Field(description="Their name, as in `fleet certs`.")
    kind: Literal["leaf", "authority", "kubeconfig"] = Field(
        description="`kubeconfig` is a person's: it is meant to end."
    )
    expires: datetime = Field(description="When the first one expires.")
    status: Status = Field(description="The worst status among them.")
    count: int = Field(description="How many certificates; copies of one count once.")


class CertificateDates(ReportEntry):
    """When certificates expire, the soonest first."""

    from_machines: bool = Field(
        description="Whether files on machines were read; else it is what API servers show."
    )
    dates: tuple[CertificateDate, ...] = Field((), description="The dates.")
    missing: tuple[MissingFile, ...] = Field((), description="Files that do not exist.")
    failures: tuple[RenewalFailure, ...] = Field((), description="Renewals that failed.")
    tokens: tuple[Token, ...] = Field((), description="Tokens of tools, by expiry.")


class SavedCluster(ReportEntry):
    """The newest snapshot of a cluster's etcd."""

    cluster: str = Field(description="The cluster.")
    node: str = Field(description="The control plane that has it; empty: there is none.")
    taken: datetime | None = Field(description="When it was taken; null: there is none.")
    size_bytes: int = Field(description="The size of its file.")
    snapshots: int = Field(description="How many snapshots its control planes have.")


class SavedClusters(ReportEntry):
    """The newest snapshots, the oldest of them first."""

    clusters: tuple[SavedCluster, ...] = Field((), description="A row for each cluster.")
    overdue: tuple[MachineEntry, ...] = Field(
        (), description="Control planes without a snapshot of the last two days, except new ones."
    )
    corrupt: tuple[MachineEntry, ...] = Field((), description="Where a snapshot is corrupt.")


class FailedItem(ReportEntry):
    """An automated item of the benchmark that fails somewhere."""

    item: str = Field(description="Its number in the benchmark.")
    title: str = Field(description="What it wants, in the program's own words.")
    remedy: str = Field(description="What to do.")
    clusters: tuple[str, ...] = Field(description="The clusters in which it fails.")
    nodes: int = Field(description="On how many machines it fails; 0: it is about clusters.")


class CisOverview(ReportEntry):
    """The benchmark's items, counted."""

    benchmark: str = Field(description="The version of the CIS Kubernetes Benchmark.")
    clusters: tuple[Summary, ...] = Field((), description="The counts of each cluster.")
    failed: tuple[FailedItem, ...] = Field((), description="What fails, in the order of items.")


def of_ledger(ledger: Ledger) -> CertificateDates:
    """Reduce a ledger to one row for each cluster, name and kind; a CA is on every machine."""
    groups: dict[tuple[str, str, str], list[Certificate]] = {}
    for each in ledger.certificates:
        groups.setdefault((each.cluster, each.name, each.kind), []).append(each)
    dates = [
        CertificateDate(
            cluster=cluster,
            name=name,
            kind=found[0].kind,
            expires=min(each.not_after for each in found),
            status=min((each.status for each in found), key=_WORST_FIRST.index),
            count=len({each.fingerprint for each in found}),
        )
        for (cluster, name, _), found in groups.items()
    ]
    return CertificateDates(
        from_machines=True,
        dates=_soonest_first(dates),
        missing=ledger.missing,
        failures=ledger.failures,
        tokens=ledger.tokens,
    )


def of_api_servers(clusters: Iterable[ClusterStatus], now: datetime) -> CertificateDates:
    """Return what connections have shown: the certificates of API servers alone."""
    dates = [
        CertificateDate(
            cluster=each.name,
            name=each.certificate.subject,
            kind="leaf",
            expires=each.certificate.expires,
            # When one should have been renewed depends on its lifetime, which is not known here.
            status=Status.EXPIRED if now >= each.certificate.expires else Status.VALID,
            count=1,
        )
        for each in clusters
        if each.certificate
    ]
    return CertificateDates(from_machines=False, dates=_soonest_first(dates))


def of_backups(found: Backups, clusters: Iterable[str]) -> SavedClusters:
    """Reduce snapshots to the newest one of each cluster; those of the future do not count."""
    rows = []
    for cluster in clusters:
        own = [each for each in found.snapshots if each.cluster == cluster]
        sound = [
            each
            for each in own
            if each.state != "corrupt" and not is_of_future(each.taken, found.time)
        ]
        newest = max(sound, key=lambda each: each.taken, default=None)
        rows.append(
            SavedCluster(
                cluster=cluster,
                node=newest.node if newest else "",
                taken=newest.taken if newest else None,
                size_bytes=newest.size_bytes if newest else 0,
                snapshots=len(own),
            )
        )
    rows.sort(key=lambda row: (row.taken is not None, row.taken or found.time, row.cluster))
    corrupt = {
        (each.cluster, each.node): MachineEntry(cluster=each.cluster, node=each.node)
        for each in found.snapshots
        if each.state == "corrupt"
    }
    return SavedClusters(
        clusters=tuple(rows), overdue=found.overdue, corrupt=tuple(corrupt.values())
    )


def of_cis(reports: Iterable[Report]) -> CisOverview:
    """Reduce reports, one after another, to counts, and to the items that fail."""
    failed: dict[str, FailedItem] = {}
    counts: list[Summary] = []
    for report in reports:
        counts += report.clusters
        _add_failed(failed, report)
    return CisOverview(
        benchmark=CIS_BENCHMARK,
        clusters=tuple(counts),
        failed=tuple(sorted(failed.values(), key=lambda each: natural(each.item))),
    )


def _add_failed(failed: dict[str, FailedItem], report: Report) -> None:
    for result in report.results:
        if result.state is not State.FAIL:
            continue
        known = failed.get(result.item)
        clusters = {*(known.clusters if known else ()), result.cluster}
        failed[result.item] = FailedItem(
            item=result.item,
            title=result.title,
            remedy=result.remedy,
            clusters=tuple(sorted(clusters, key=natural)),
            nodes=(known.nodes if known else 0) + bool(result.node),
        )


def _soonest_first(dates: Iterable[CertificateDate]) -> tuple[CertificateDate, ...]:
    return tuple(sorted(dates, key=lambda each: (each.expires, each.cluster, each.name)))
