"""`fleet status`: whose clock is off, of the machines, the clusters and this host."""

from typing import Any

from model.status.fleet import ClusterStatus, NodeStatus
from ops.kube.host_status import HostsReading
from scripts.fleet import status_clocks
from scripts.fleet.status_clocks import Pair


def cluster(name: str, host: float | None, **aheads: int) -> Pair:
    """A cluster of a control plane n0 and workers, which were compared with an API server."""
    nodes = [
        NodeStatus(name=node, roles=["control-plane" if node == "n0" else "worker"], ready=True)
        for node in aheads
    ]
    status: Any = ClusterStatus(name=name, reachable=True, nodes=nodes)
    return status, HostsReading(aheads=aheads, host_ahead=host)


def told(*pairs: Pair) -> list[str]:
    found, own = status_clocks.judged(pairs)
    every = [*own, *(each for cluster in found for each in cluster.conditions)]
    return [f"{each.subject} {each.reason}: {each.message.partition(':')[0]}" for each in every]


def test_clocks_that_agree_are_no_problem() -> None:
    assert told(cluster("a", 0.4, n0=0, n1=0), cluster("b", -1.2, n0=0)) == []


def test_a_machine_and_a_control_plane_are_named_in_their_clusters() -> None:
    assert told(cluster("a", 0.4, n0=0, n1=252, n2=0), cluster("b", 90.0, n0=0, n1=90, n2=91)) == [
        "a/n1 ClockSkew: its clock is 4 min 12 s ahead of the API server's",
        "b/n0 ClockSkew: its clock is 1 min 30 s behind those of most others",
    ]


def test_this_host_is_named_once_if_all_clusters_say_so() -> None:
    (one,) = told(cluster("a", 300.0, n0=0, n1=0), cluster("b", 301.0, n0=0))
    assert one.endswith("which asks, is 5 min 1 s ahead of that of all 2 clusters")
    assert told(cluster("a", 300.0, n0=0), cluster("b", 0.0, n0=0)) == [
        "a ClockSkew: the clock of its API server is 5 min behind this host's"
    ]


def test_what_could_not_be_read_says_nothing() -> None:
    status, _ = cluster("a", 0.0, n0=0)
    assert told((status, None)) == []
    down = status.model_copy(update={"reachable": False})
    assert told((down, HostsReading(host_ahead=300.0))) == []
