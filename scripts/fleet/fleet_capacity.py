"""The capacity of a fleet: all clusters asked and judged together."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from model.capacity import fleet
from model.capacity.disks import DisksReading, with_disks
from model.capacity.fewer_nodes import RESERVE_PERCENT
from model.capacity.reading import ClusterReading, Usage
from model.capacity.report import CapacityReport, ClusterCapacity
from ops import fan_out
from ops.fan_out import Late
from ops.kube import capacity, kubelets, node_disks, unreachable
from scripts.fleet.targets import Target

# Of the time for a cluster, so much is for metrics and for kubelets at most: they are further
# servers, without which the rest is known as well.
FOR_OTHERS = 0.8
# How long what ends by itself may take to do so, on a busy host.
ENDING_SECONDS = 1.0


def gather(
    targets: Sequence[Target],
    seconds: float,
    reserve_percent: float = RESERVE_PERCENT,
    *,
    pods: bool = False,
    disks: bool = False,
) -> CapacityReport:
    """Ask all clusters and return within `seconds`, whatever does not answer.

    Each cluster is judged as soon as it has answered: what it takes to place pods is done while
    others are waited for, and no more is kept of a cluster than its part of the report. With
    `pods`, each Node has its pods. With `disks`, kubelets say how full theirs are.
    """
    end = time.monotonic() + seconds * FOR_OTHERS
    parallel = kubelets.parallel(len(targets))

    def call(target: Target) -> ClusterCapacity:
        read = _read(target, seconds)
        if not disks:
            return fleet.of_cluster(read, reserve_percent, pods=pods)
        left, client = end - time.monotonic(), target.client(seconds)
        answer = fan_out.begin(lambda: node_disks.read(client, read.nodes, left, parallel))
        found = fleet.of_cluster(read, reserve_percent, pods=pods)
        disk = answer(end - time.monotonic() + ENDING_SECONDS)
        unread = {node.name: str(disk.error) for node in read.nodes}
        return with_disks(found, disk.value or DisksReading(unread=unread))

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
    limit = seconds * FOR_OTHERS
    measured = metrics(limit - (time.monotonic() - begin))
    error = Late(limit) if measured.is_late else measured.error
    usage = measured.value or Usage(reason=f"metrics.k8s.io: {error}")
    return ClusterReading(target.name, target.labels, nodes, pods, usage)


def _unreachable(target: Target, error: Exception) -> ClusterCapacity:
    conditions = [unreachable.condition(target.name, error)]
    return fleet.unread(target.name, target.labels, conditions)
