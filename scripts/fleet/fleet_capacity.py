"""The capacity of a fleet: all clusters asked and judged together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from model.capacity import fleet
from model.capacity.disks import DisksReading, with_disks
from model.capacity.fewer_nodes import RESERVE_PERCENT
from model.capacity.history import CPU_QUANTILE
from model.capacity.reading import ClusterReading, History, Usage
from model.capacity.report import CapacityReport, ClusterCapacity, UsageOver
from ops import fan_out
from ops.fan_out import Answer, Late
from ops.kube import capacity, kubelets, node_disks, prometheus, unreachable
from ops.kube.client import Client
from scripts.fleet.targets import Target

# Of the time for a cluster, so much is for metrics and for kubelets at most: they are further
# servers, without which the rest is known as well.
FOR_OTHERS = 0.8
# How long what ends by itself may take to do so, on a busy host.
ENDING_SECONDS = 1.0


@dataclass(frozen=True)
class Over:
    """In what time workloads are judged, and which Prometheus of each cluster knows it."""

    source: prometheus.Source
    seconds: int


def gather(
    targets: Sequence[Target],
    seconds: float,
    reserve_percent: float = RESERVE_PERCENT,
    *,
    pods: bool = False,
    disks: bool = False,
    over: Over | None = None,
) -> CapacityReport:
    """Ask all clusters and return within `seconds`, whatever does not answer.

    Each cluster is judged as soon as it has answered: what it takes to place pods is done while
    others are waited for, and no more is kept of a cluster than its part of the report. With
    `pods`, each Node has its pods. With `disks`, kubelets say how full theirs are. With `over`,
    workloads are judged by what they used in that time.
    """
    limit = seconds * FOR_OTHERS
    end = time.monotonic() + limit
    parallel = kubelets.parallel(len(targets))

    def call(target: Target) -> ClusterCapacity:
        client = target.client(seconds)
        metrics = fan_out.begin(lambda: capacity.read_usage(client))
        past = fan_out.begin(lambda: _ask(client, over, limit))
        nodes, found_pods = capacity.read_nodes(client), capacity.read_pods(client)
        left = end - time.monotonic()
        full = fan_out.begin(
            lambda: node_disks.read(client, nodes, left, parallel) if disks else None
        )
        usage = _usage(metrics(end - time.monotonic()), limit)
        history = _history(past(end - time.monotonic()), over, limit)
        read = ClusterReading(target.name, target.labels, nodes, found_pods, usage, history)
        found = fleet.of_cluster(read, reserve_percent, pods=pods)
        if not disks:
            return found
        disk = full(end - time.monotonic() + ENDING_SECONDS)
        unread = {node.name: str(disk.error) for node in nodes}
        return with_disks(found, disk.value or DisksReading(unread=unread))

    clusters = [
        answer.value or _unreachable(answer.target, answer.error or Late(seconds))
        for answer in fan_out.ask(targets, call, seconds)
    ]
    return fleet.of_fleet(clusters, datetime.now(UTC), reserve_percent, _told(over))


def _told(over: Over | None) -> UsageOver | None:
    if over is None:
        return None
    return UsageOver(
        source=str(over.source),
        seconds=over.seconds,
        cpu_quantile=CPU_QUANTILE,
        memory_quantile=1,
    )


def _usage(answer: Answer[None, Usage], limit: float) -> Usage:
    error = Late(limit) if answer.is_late else answer.error
    return answer.value or Usage(reason=f"metrics.k8s.io: {error}")


def _ask(client: Client, over: Over | None, limit: float) -> History | None:
    return prometheus.read(client, over.source, over.seconds, limit) if over else None


def _history(
    answer: Answer[None, History | None], over: Over | None, limit: float
) -> History | None:
    if over is None or answer.value:
        return answer.value
    error = Late(limit) if answer.is_late else answer.error
    return History(str(over.source), over.seconds, reason=str(error))


def _unreachable(target: Target, error: Exception) -> ClusterCapacity:
    conditions = [unreachable.condition(target.name, error)]
    return fleet.unread(target.name, target.labels, conditions)
