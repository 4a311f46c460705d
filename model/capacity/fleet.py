"""The report of a fleet's capacity, from what was read of its clusters."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from model.capacity.fewer_nodes import FewerNodes, fewer_nodes
from model.capacity.figures import amount, summed
from model.capacity.history import span
from model.capacity.losses import Loss, losses
from model.capacity.reading import ClusterReading, NodeReading, PodReading, requested
from model.capacity.report import (
    CapacityReport,
    ClusterCapacity,
    Figures,
    LossCapacity,
    NodeCapacity,
    PodCapacity,
    PoolCapacity,
    UsageOver,
    Used,
    WorkloadCapacity,
)
from model.capacity.resources import CPU, MEMORY, Amounts, total
from model.capacity.workloads import Workload, workloads
from model.plural import counted
from model.status import reasons
from model.status.condition import Condition, Severity


def of_fleet(
    clusters: Sequence[ClusterCapacity],
    time: datetime,
    reserve_percent: float,
    over: UsageOver | None = None,
) -> CapacityReport:
    """Return the report of clusters."""
    return CapacityReport(
        time=time,
        reserve_percent=reserve_percent,
        usage_over=over,
        figures=summed([each.figures for each in clusters]),
        clusters=list(clusters),
    )


def unread(
    name: str, labels: Mapping[str, str], conditions: Sequence[Condition]
) -> ClusterCapacity:
    """Return what is known of a cluster that could not be read: why."""
    nothing = of_cluster(ClusterReading(name, labels), 0)
    return nothing.model_copy(update={"reachable": False, "conditions": [*conditions]})


def of_cluster(
    read: ClusterReading, reserve_percent: float, *, pods: bool = False
) -> ClusterCapacity:
    """Return what is said of a cluster; with `pods`, each Node has its pods."""
    of_node: dict[str, list[PodReading]] = {}
    for pod in read.placed:
        of_node.setdefault(pod.node, []).append(pod)
    enough = {each.pool: each for each in fewer_nodes(read, reserve_percent)}
    nodes = [_node(read, node, of_node, pods=pods) for node in read.nodes]
    return ClusterCapacity(
        name=read.name,
        labels=dict(read.labels),
        reachable=True,
        usage_unknown=read.usage.reason,
        history_unknown=read.history.reason if read.history else "",
        figures=summed([node.figures for node in nodes]),
        pending_pods=len(read.pending),
        pools=list(_pools(read, nodes, enough)),
        nodes=nodes,
        losses=[_loss(each) for each in losses(read)],
        workloads=[_workload(each) for each in workloads(read)],
        conditions=list(_conditions(read)),
    )


def _pools(
    read: ClusterReading, nodes: Sequence[NodeCapacity], enough: Mapping[str, FewerNodes]
) -> Iterator[PoolCapacity]:
    of_planes = {node.pool for node in read.nodes if node.is_control_plane}
    for pool in sorted({node.pool for node in nodes}):
        found = enough.get(pool)
        yield PoolCapacity(
            name=pool,
            figures=summed([node.figures for node in nodes if node.pool == pool]),
            has_control_planes=pool in of_planes,
            enough=found.enough if found else None,
            limited_by=list(found.limited_by) if found else [],
        )


def _node(
    read: ClusterReading,
    node: NodeReading,
    of_node: Mapping[str, Sequence[PodReading]],
    *,
    pods: bool,
) -> NodeCapacity:
    on_it = of_node.get(node.name, ())
    figures = Figures(
        nodes=1,
        nodes_taking_pods=int(node.takes_pods),
        allocatable=amount(node.allocatable),
        requests=amount(requested(on_it)),
        limits=amount(total(pod.limits for pod in on_it)),
        used=_used(read.usage.nodes.get(node.name)),
    )
    return NodeCapacity(
        name=node.name,
        pool=node.pool,
        zone=node.zone,
        ready=node.is_ready,
        cordoned=node.is_cordoned,
        figures=figures,
        pods=[_pod(read, pod) for pod in on_it] if pods else [],
    )


def _used(amounts: Amounts | None) -> Used | None:
    if amounts is None:
        return None
    return Used(cpu_millicores=amounts.get(CPU, 0), memory_bytes=amounts.get(MEMORY, 0))


def _pod(read: ClusterReading, pod: PodReading) -> PodCapacity:
    return PodCapacity(
        namespace=pod.namespace,
        name=pod.name,
        requests=amount(pod.requests),
        limits=amount(pod.limits),
        used=_used(read.usage.pods.get(pod.key)),
    )


def _loss(loss: Loss) -> LossCapacity:
    return LossCapacity.model_validate(
        {
            "kind": loss.kind,
            "name": loss.name,
            "nodes": loss.nodes,
            "fits": loss.fits,
            "allocatable": amount(loss.allocatable),
            "requests": amount(loss.requests),
            "moved_pods": len(loss.moved),
            "lacking": list(loss.lacks),
            "unplaced_pods": ["/".join(pod.key) for pod in loss.unplaced],
        }
    )


def _workload(workload: Workload) -> WorkloadCapacity:
    return WorkloadCapacity(
        namespace=workload.namespace,
        name=workload.name,
        pods=workload.pods,
        requests=amount(workload.requests),
        limits=amount(workload.limits),
        used=_used(workload.used),
        over_time=workload.over_time,
        findings={name: finding.value for name, finding in workload.findings.items()},
    )


def _conditions(read: ClusterReading) -> Iterator[Condition]:
    unmeasured = sum(node.name not in read.usage.nodes for node in read.nodes)
    if read.usage.reason:
        yield Condition(
            cluster=read.name,
            severity=Severity.INFO,
            reason=reasons.STARTING if read.usage.is_starting else "UsageUnknown",
            message=f"what is used is not known: {read.usage.reason}",
        )
    elif unmeasured:
        yield Condition(
            cluster=read.name,
            severity=Severity.INFO,
            reason="UsageIncomplete",
            message=f"what is used is not known of {counted(unmeasured, 'node')}, and missing in "
            "the sums",
        )
    if read.history and read.history.reason:
        yield Condition(
            cluster=read.name,
            severity=Severity.INFO,
            reason="HistoryUnknown",
            message=f"what was used in the last {span(read.history.seconds)} is not known, and "
            f"what is used now counts: {read.history.source}: {read.history.reason}",
        )
    if count := len(read.pending):
        yield Condition(
            cluster=read.name,
            severity=Severity.WARNING,
            reason="PodsPending",
            message=f"{counted(count, 'pod')} without a node: not counted in requests, and "
            "not placed when a node is lost",
        )
