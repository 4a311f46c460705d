"""The capacity of a fleet as text: resources, losses, nodes to spare, workloads, conditions."""

from collections.abc import Iterator, Sequence

from model.capacity.report import CapacityReport, ClusterCapacity, LossCapacity, WorkloadCapacity
from model.plural import counted
from ops.kube.pod import few
from scripts.fleet import capacity_rows
from scripts.fleet.capacity_cells import UNKNOWN, Column, cpu, mebibytes, memory
from scripts.fleet.status_table import condition_table, table

SHOWN_PODS = 3
# What findings are called, in the order of their columns.
FINDINGS = {"none": "without requests", "under": "under-requested", "over": "over-requested"}
NAMES = {"cpu": "CPU", "memory": "memory"}


def text(
    report: CapacityReport, by: str, columns: Sequence[Column], *, headers: bool, workloads: bool
) -> Iterator[str]:
    """Yield the lines; `columns` are those of the rows of resources."""
    read = [cluster for cluster in report.clusters if cluster.reachable]
    names = capacity_rows.head(by, columns)
    yield from table(names if headers else [], [*capacity_rows.cells(report, by, columns)])
    yield from _losses(read, headers=headers)
    yield from _spare(read, report.reserve_percent, headers=headers)
    yield from _workloads(read, headers=headers) if workloads else _counts(read)
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
    read: Sequence[ClusterCapacity], reserve_percent: float, *, headers: bool
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
        reserve = f"{reserve_percent:g} % of each node free"
        yield from ("", f"Nodes that are enough, with {reserve}, where that is another number:")
        names = ["CLUSTER", "POOL", "NODES", "ENOUGH", "LIMITED BY"]
        yield from table(names if headers else [], rows)


def _counts(read: Sequence[ClusterCapacity]) -> Iterator[str]:
    """Yield how many workloads there are of each finding."""
    found = [set(each.findings.values()) for cluster in read for each in cluster.workloads]
    counts = {finding: sum(finding in each for each in found) for finding in FINDINGS}
    named = [f"{count} {FINDINGS[finding]}" for finding, count in counts.items() if count]
    if named:
        yield ""
        yield f"Of {counted(len(found), 'workload')}: {', '.join(named)} (--workloads names them)"


def _workloads(read: Sequence[ClusterCapacity], *, headers: bool) -> Iterator[str]:
    rows = [
        [cluster.name, workload.namespace, workload.name, str(workload.pods), *_amounts(workload)]
        for cluster in read
        for workload in cluster.workloads
    ]
    if rows:
        yield from ("", "Workloads, and what they use at this moment:")
        names = ["CLUSTER", "NAMESPACE", "WORKLOAD", "PODS", "CPU REQUESTS", "CPU LIMITS"]
        names += ["CPU UTIL", "MEMORY REQUESTS", "MEMORY LIMITS", "MEMORY UTIL", "FINDINGS"]
        yield from table(names if headers else [], rows)


def _amounts(workload: WorkloadCapacity) -> list[str]:
    used = workload.used
    findings = (f"{NAMES[name]} {FINDINGS[each]}" for name, each in workload.findings.items())
    return [
        f"{workload.requests.cpu_millicores}m",
        f"{workload.limits.cpu_millicores}m",
        f"{used.cpu_millicores}m" if used else UNKNOWN,
        mebibytes(workload.requests.memory_bytes),
        mebibytes(workload.limits.memory_bytes),
        mebibytes(used.memory_bytes) if used else UNKNOWN,
        ", ".join(findings) or UNKNOWN,
    ]
