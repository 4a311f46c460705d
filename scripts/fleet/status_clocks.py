"""Clocks that are off, in all clusters that were asked, or of this host alone."""

import socket
from collections.abc import Sequence

from model.status import clocks
from model.status.clocks import Clocks
from model.status.condition import Condition
from model.status.fleet import ClusterStatus
from ops.kube.cluster_status import CONTROL_PLANE
from ops.kube.host_status import HostsReading

Pair = tuple[ClusterStatus, HostsReading | None]


def judged(pairs: Sequence[Pair]) -> tuple[list[ClusterStatus], list[Condition]]:
    """Return the clusters with what is wrong with their clocks, and what is with this host's."""
    verdicts = {
        cluster.name: clocks.judge(_clocks(cluster, reading))
        for cluster, reading in pairs
        if cluster.reachable and reading and reading.host_ahead is not None
    }
    off = {name: each.host for name, each in verdicts.items() if each.host is not None}
    of_host = []
    if clocks.is_this_host(verdicts.values()):
        of_host.append(clocks.of_host(socket.gethostname(), off))
        off = {}
    found = []
    for cluster, _ in pairs:
        name, more = cluster.name, list[Condition]()
        if name in verdicts:
            more += clocks.conditions(name, verdicts[name]).values()
        if name in off:
            more.append(clocks.of_cluster(name, off[name]))
        found.append(cluster.model_copy(update={"conditions": [*cluster.conditions, *more]}))
    return found, of_host


def _clocks(cluster: ClusterStatus, reading: HostsReading) -> Clocks:
    planes = [node.name for node in cluster.nodes if CONTROL_PLANE in node.roles]
    return Clocks(reading.aheads, planes, host=reading.host_ahead)
