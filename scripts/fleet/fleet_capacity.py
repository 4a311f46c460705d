"""The capacity of a fleet: all clusters asked and judged together."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from model.capacity import fleet
from model.capacity.fewer_nodes import RESERVE_PERCENT
from model.capacity.reading import ClusterReading, Usage
from model.capacity.report import CapacityReport, ClusterCapacity
from ops import fan_out
from ops.fan_out import Late
from ops.kube import capacity, unreachable
from scripts.fleet.targets import Target

# Of the time for a cluster, so much is for metrics at most: they are one more server, without which
# the rest is known as well.
FOR_METRICS = 0.8


def gather(
    targets: Sequence[Target],
    seconds: float,
    reserve_percent: float = RESERVE_PERCENT,
    *,
    pods: bool = False,
) -> CapacityReport:
    """Ask all clusters and return within `seconds`, whatever does not answer.

    Each cluster is judged as soon as it has answered: what it takes to place pods is done while
    others are waited for, and no more is kept of a cluster than its part of the report. With
    `pods`, each Node has its pods.
    """

    def call(target: Target) -> ClusterCapacity:
        return fleet.of_cluster(_read(target, seconds), reserve_percent, pods=pods)

    clusters = [
        answer.value or _unreachable(answer.target, answer.error or Late(seconds))
        for answer in fan_out.ask(targets, call, seconds)
    ]
    return fleet.of_fleet(clusters, datetime.now(UTC), reserve_percent)


def _read(target: Target, seconds: float) -> ClusterReading:
    begin = time.monotonic()
    client = target.client(seconds)
    metrics = fan_out.begin(lambda: capacity.read_usage(client))
    nodes, pods = capacity.read_nodes(client), capacity.read_pods(client)
    limit = seconds * FOR_METRICS
    measured = metrics(limit - (time.monotonic() - begin))
    error = Late(limit) if measured.is_late else measured.error
    usage = measured.value or Usage(reason=f"metrics.k8s.io: {error}")
    return ClusterReading(target.name, target.labels, nodes, pods, usage)


def _unreachable(target: Target, error: Exception) -> ClusterCapacity:
    conditions = [unreachable.condition(target.name, error)]
    return fleet.unread(target.name, target.labels, conditions)
