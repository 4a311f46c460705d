"""A fleet's status as text: clusters, conditions, and what is meant to be noticed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from model.status.condition import Condition, Ready, grouped
from model.status.fleet import ClusterStatus, Etcd, FleetStatus
from scripts.fleet.nodes import COLUMNS, age, rows_of

MIB = 1 << 20
UNKNOWN = "-"
Column = tuple[str, Callable[[ClusterStatus], str]]


def text(status: FleetStatus, *, wide: bool, nodes: bool, headers: bool) -> Iterator[str]:
    """Yield the lines."""
    columns = CLUSTER_COLUMNS + (WIDE_COLUMNS if wide else ())
    names = [name for name, _ in columns]
    rows = [[read(cluster) for _, read in columns] for cluster in status.clusters]
    yield from table(names if headers else [], rows)
    if wide or nodes:
        found = [row for cluster in status.clusters for row in rows_of(cluster)]
        cells = [[getattr(row, column) for column in COLUMNS] for row in found]
        yield ""
        yield from table([column.upper() for column in COLUMNS] if headers else [], cells)
    if status.all_conditions:
        yield ""
        yield from condition_table(status.all_conditions, headers=headers)
    for title, lines in (
        ("Rotations under way:", _of_clusters(status, lambda cluster: cluster.rotations)),
        ("Revoked access of people who are still in the stack's file:", status.revoked),
        (
            "Exceptions from the security defaults:",
            _of_clusters(status, lambda cluster: cluster.exceptions),
        ),
    ):
        if lines:
            yield from ("", title, *(f"  {line}" for line in lines))


def condition_table(conditions: Sequence[Condition], *, headers: bool = True) -> Iterator[str]:
    """Yield a row for each condition, alike ones in one."""
    names = ["OBJECT", "READY", "SEVERITY", "REASON", "SINCE", "MESSAGE"]
    rows = [
        [each.subject, each.ready, each.severity, each.reason, _ago(each.since), each.message]
        for each in grouped(conditions)
    ]
    return table(names if headers else [], rows)


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield lines of columns as kubectl's: as wide as their widest cell, nothing is folded."""
    every = [list(row) for row in ([names] if names else []) + [*rows]]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for row in every:
        # What a cluster sends may contain anything: a cell is one line.
        cells = (one_line(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def one_line(cell: str) -> str:
    """Return a text that a cluster has sent without what a terminal would act on."""
    return "".join(letter if letter.isprintable() else " " for letter in cell)


def _of_clusters(status: FleetStatus, lines: Callable[[ClusterStatus], Sequence[str]]) -> list[str]:
    return [f"{cluster.name}: {line}" for cluster in status.clusters for line in lines(cluster)]


def _ago(time: datetime | None) -> str:
    return UNKNOWN if time is None else age((datetime.now(UTC) - time).total_seconds())


def _left(cluster: ClusterStatus) -> str:
    if cluster.certificate is None:
        return UNKNOWN
    return age((cluster.certificate.expires - datetime.now(UTC)).total_seconds())


def _etcd(etcd: Etcd | None) -> str:
    if etcd is None:
        return UNKNOWN
    state = ",".join(etcd.alarms) or ("ok" if etcd.leader else "no leader")
    return f"{state} ({etcd.members}, {etcd.size_bytes // MIB} MiB)"


def _add_ons(cluster: ClusterStatus) -> str:
    if not cluster.add_ons:
        return UNKNOWN
    return f"{sum(each.is_ready for each in cluster.add_ons)}/{len(cluster.add_ons)}"


def _add_on_versions(cluster: ClusterStatus) -> str:
    return ",".join(f"{each.name}={each.version}" for each in cluster.add_ons) or UNKNOWN


def _network(cluster: ClusterStatus) -> str:
    return {Ready.TRUE: "ok", Ready.FALSE: "failing", Ready.UNKNOWN: UNKNOWN}[cluster.network]


def _pairs(cluster: ClusterStatus) -> str:
    return ",".join(f"{key}={value}" for key, value in cluster.labels.items()) or UNKNOWN


CLUSTER_COLUMNS: tuple[Column, ...] = (
    ("CLUSTER", lambda cluster: cluster.name),
    ("READY", lambda cluster: cluster.ready),
    ("VERSION", lambda cluster: cluster.version or UNKNOWN),
    ("NODES", lambda cluster: str(cluster.nodes_ready or UNKNOWN)),
    ("CONTROL-PLANES", lambda cluster: str(cluster.control_planes or UNKNOWN)),
    ("ETCD", lambda cluster: _etcd(cluster.etcd)),
    ("ADD-ONS", _add_ons),
    ("NETWORK", _network),
    ("CERTIFICATE", _left),
    ("BACKUP", lambda cluster: _ago(cluster.last_backup)),
    ("CHANGE", lambda cluster: _ago(cluster.last_change)),
    ("READ", lambda cluster: _ago(cluster.as_of)),
    ("LABELS", _pairs),
)
WIDE_COLUMNS: tuple[Column, ...] = (
    ("KUBELETS", lambda cluster: ",".join(cluster.kubelet_versions) or UNKNOWN),
    ("ETCD-LEADER", lambda cluster: (cluster.etcd.leader if cluster.etcd else "") or UNKNOWN),
    ("ADD-ON-VERSIONS", _add_on_versions),
    ("SERVER", lambda cluster: cluster.server or UNKNOWN),
)
