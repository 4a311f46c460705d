"""The capacity of a fleet as text: resources, losses, nodes to spare, workloads, conditions."""

from collections.abc import Iterator, Sequence

from model.capacity.history import span
from model.capacity.report import (
    CapacityReport,
    ClusterCapacity,
    LossCapacity,
    UsageOver,
    WorkloadCapacity,
)
from model.plural import counted
from ops.kube.pod import few
from scripts.fleet import capacity_rows
from scripts.fleet.capacity_cells import UNKNOWN, Column, cpu, mebibytes, memory
from scripts.fleet.status_table import condition_table, table

SHOWN_PODS = 3
# What findings are called, in the order of their columns.
FINDINGS = {"none": "without requests", "under": "under-requested", "over": "over-requested"}
NOW = "now"
NAMES = {"cpu": "CPU", "memory": "memory"}


def text(
    report: CapacityReport, by: str, columns: Sequence[Column], *, headers: bool, workloads: bool
) -> Iterator[str]:
    """Yield the lines; `columns` are those of the rows of resources."""
    read = [cluster for cluster in report.clusters if cluster.reachable]
    names = capacity_rows.head(by, columns)
    yield from table(names if headers else [], [*capacity_rows.cells(report, by, columns)])
    yield from _losses(read, headers=headers)
    yield from _spare(read, report, headers=headers)
    over = report.usage_over
    shown = _workloads(read, over, headers=headers) if workloads else _counts(read, over)
    yield from shown
    if report.all_conditions:
        yield ""
        yield from condition_table(report.all_conditions, headers=headers)


def _losses(read: Sequence[ClusterCapacity], *, headers: bool) -> Iterator[str]:
    rows = [
        [
            cluster.name,
            f"{loss.kind} {loss.name}",
            cpu(loss.requests.cpu_millicores, loss.allocatable.cpu_millicores),
            memory(loss.requests.memory_bytes, loss.allocatable.memory_bytes),
            f"{loss.requests.pods}/{loss.allocatable.pods}",
            str(loss.moved_pods),
            _verdict(loss),
        ]
        for cluster in read
        for loss in cluster.losses
    ]
    names = ["CLUSTER", "LOST", "CPU REQUESTS", "MEMORY REQUESTS", "POD COUNT", "MOVED", "FITS"]
    if rows:
        yield from ("", "What remains without the largest node, and without each zone:")
        yield from table(names if headers else [], rows)


def _verdict(loss: LossCapacity) -> str:
    if loss.fits:
        return "yes"
    total = f"too little {', '.join(loss.lacking)} in total" if loss.lacking else ""
    pods = few(loss.unplaced_pods, most=SHOWN_PODS)
    count = counted(len(loss.unplaced_pods), "pod")
    placed = f"no node for {count}: {pods}" if loss.unplaced_pods else ""
    return f"no: {'; '.join(filter(None, (total, placed)))}"


def _spare(
    read: Sequence[ClusterCapacity], report: CapacityReport, *, headers: bool
) -> Iterator[str]:
    rows = [
        [
            cluster.name,
            pool.name or UNKNOWN,
            str(pool.figures.nodes),
            "more" if pool.enough is None else str(pool.enough),
            ", ".join(pool.limited_by) or UNKNOWN,
        ]
        for cluster in read
        for pool in cluster.pools
        if pool.enough != pool.figures.nodes and not pool.has_control_planes
    ]
    if rows:
        reserve = f"with {report.reserve_percent:g} % of each node free"
        use = f" by use in {span(report.usage_over.seconds)}" if report.usage_over else ""
        yield from ("", f"Nodes that are enough{use}, {reserve}, where that is another number:")
        names = ["CLUSTER", "POOL", "NODES", "ENOUGH", "LIMITED BY"]
        yield from table(names if headers else [], rows)


def _counts(read: Sequence[ClusterCapacity], over: UsageOver | None) -> Iterator[str]:
    """Yield how many workloads there are of each finding."""
    workloads = [each for cluster in read for each in cluster.workloads]
    found = [set(each.findings.values()) for each in workloads]
    counts = {finding: sum(finding in each for each in found) for finding in FINDINGS}
    named = [f"{count} {FINDINGS[finding]}" for finding, count in counts.items() if count]
    if named:
        whole = counted(len(found), "workload")
        if over:
            judged = sum(each.over_time for each in workloads)
            whole += f", {judged} of them by use in {span(over.seconds)} ({over.source})"
        yield ""
        yield f"Of {whole}: {', '.join(named)} (--workloads names them)"


def _workloads(
    read: Sequence[ClusterCapacity], over: UsageOver | None, *, headers: bool
) -> Iterator[str]:
    rows = [
        [
            *(cluster.name, workload.namespace, workload.name, str(workload.pods)),
            *_amounts(workload),
            *_times(workload, over),
            _findings(workload),
        ]
        for cluster in read
        for workload in cluster.workloads
    ]
    if rows:
        yield from ("", f"Workloads, and what they use{_meaning(over)}:")
        names = ["CLUSTER", "NAMESPACE", "WORKLOAD", "PODS", "CPU REQUESTS", "CPU LIMITS"]
        names += ["CPU UTIL", "MEMORY REQUESTS", "MEMORY LIMITS", "MEMORY UTIL"]
        names += ["UTIL OVER", "FINDINGS"] if over else ["FINDINGS"]
        yield from table(names if headers else [], rows)


def _amounts(workload: WorkloadCapacity) -> list[str]:
    used = workload.used
    return [
        f"{workload.requests.cpu_millicores}m",
        f"{workload.limits.cpu_millicores}m",
        f"{used.cpu_millicores}m" if used else UNKNOWN,
        mebibytes(workload.requests.memory_bytes),
        mebibytes(workload.limits.memory_bytes),
        mebibytes(used.memory_bytes) if used else UNKNOWN,
    ]


def _times(workload: WorkloadCapacity, over: UsageOver | None) -> list[str]:
    """Return of which time the use is, if it may be of a longer one."""
    if over is None:
        return []
    now = NOW if workload.used else UNKNOWN
    return [span(over.seconds) if workload.over_time else now]


def _findings(workload: WorkloadCapacity) -> str:
    findings = (f"{NAMES[name]} {FINDINGS[each]}" for name, each in workload.findings.items())
    return ", ".join(findings) or UNKNOWN


def _meaning(over: UsageOver | None) -> str:
    if over is None:
        return " at this moment"
    cpu_percentile = f"{100 * over.cpu_quantile:g}th percentile"
    return (
        f", by the pod that used the most in {span(over.seconds)} (CPU: {cpu_percentile}, memory: "
        f"maximum; {over.source})"
    )
