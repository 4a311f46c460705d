"""What pods used over a longer time: whose it is, and what is judged by it."""

from typing import Any

import pytest

from model.capacity import fleet
from model.capacity.fewer_nodes import fewer_nodes
from model.capacity.history import former_owners, of_workloads, span
from model.capacity.reading import ClusterReading, History, PodReading, Usage
from model.capacity.workloads import Workload, workloads
from tests.model.capacity.readings import GIB, node, pod

WEB = "Deployment/web"
NOW = {"cpu": 20, "memory": GIB}


def history(pods: dict[str, tuple[int, int]], reason: str = "") -> History:
    """A week of pods, with CPU in millicores and memory in GiB."""
    used = {
        ("default", name): {"cpu": cpu, "memory": memory * GIB}
        for name, (cpu, memory) in pods.items()
    }
    return History("monitoring/prometheus:9090", 7 * 86400, used, reason)


def web(*names: str) -> list[PodReading]:
    return [pod(name, "a", 1000, memory=2, workload=WEB) for name in names]


def read(pods: list[PodReading], past: History, nodes: int = 1, **usage: Any) -> ClusterReading:
    names = "abcdefgh"[:nodes]
    now = Usage({name: NOW for name in names}, {each.key: NOW for each in pods}, **usage)
    return ClusterReading("tokyo", {}, [node(name) for name in names], pods, now, past)


def only(found: ClusterReading) -> Workload:
    (workload,) = workloads(found)
    return workload


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("web-5d9f7c8b64-x7k2p", WEB),
        ("web-5d9f-x7k2p", WEB),
        ("web-x7k2p", "DaemonSet/web"),
        ("web-29384120-x7k2p", "Job/web-29384120"),
        ("web-12", "StatefulSet/web"),
    ],
)
def test_the_workload_of_a_former_pod_follows_from_its_name(name: str, owner: str) -> None:
    assert owner in former_owners(name)


@pytest.mark.parametrize("name", ["web", "web-", "-", "", "web-latest", "web-aeiou-x7k2p", "\n"])
def test_other_names_are_no_deployments(name: str) -> None:
    assert WEB not in former_owners(name)


def test_the_pod_that_used_the_most_counts_for_each() -> None:
    found = only(read(web("web-1", "web-2"), history({"web-1": (100, 1), "web-2": (1500, 1)})))
    assert found.over_time
    assert found.used == {"cpu": 3000, "memory": 2 * GIB}
    assert found.findings == {"cpu": "under"}


def test_a_release_of_an_hour_ago_is_judged_by_the_former_pods_too() -> None:
    past = {"web-5d9f-x7k2p": (10, 0), "web-4c8f-bbbbb": (900, 2), "other-4c8f-bbbbb": (9000, 9)}
    found = only(read(web("web-5d9f-x7k2p"), history(past)))
    assert found.used == {"cpu": 900, "memory": 2 * GIB}
    assert found.findings == {}


def test_another_namespace_is_another_workload() -> None:
    past = History("m/p:1", 3600, {("other", "web-4c8f-bbbbb"): {"cpu": 1, "memory": 1}})
    assert of_workloads(past, web("web-5d9f-x7k2p")) == {}


def test_what_the_history_does_not_have_is_judged_by_this_moment() -> None:
    found = only(read(web("web-1"), history({})))
    assert not found.over_time
    assert found.used == NOW
    assert found.findings == {"cpu": "over"}


def test_without_metrics_server_the_history_is_enough() -> None:
    cluster = ClusterReading(
        "tokyo", {}, [node("a")], web("web-1"), Usage(reason="no"), history({"web-1": (900, 1)})
    )
    assert only(cluster).used == {"cpu": 900, "memory": GIB}


def test_how_many_nodes_are_enough_follows_from_the_longer_time() -> None:
    pods = [pod(f"p{index}", "ab"[index], 100) for index in range(2)]
    momentary = read(pods, history({}), nodes=2)
    busy = read(pods, history({"p0": (900, 1), "p1": (800, 1)}), nodes=2)
    assert [each.enough for each in fewer_nodes(momentary, 0)] == [1]
    (found,) = fewer_nodes(busy, 0)
    assert (found.enough, found.limited_by) == (2, ("used cpu",))


def test_a_node_uses_no_less_than_at_this_moment() -> None:
    pods = [pod("p0", "a", 100), pod("p1", "b", 100)]
    cluster = read(pods, history({"p0": (1, 0), "p1": (1, 0)}), nodes=2)
    busy = ClusterReading(
        "tokyo", {}, cluster.nodes, pods, Usage({name: {"cpu": 900} for name in "ab"}),
        cluster.history,
    )  # fmt: skip
    (found,) = fewer_nodes(busy, 0)
    assert found.limited_by == ("used cpu",)


def test_a_prometheus_that_does_not_answer_is_a_condition() -> None:
    found = fleet.of_cluster(read(web("web-1"), history({}, "no answer")), 20)
    assert found.history_unknown == "no answer"
    assert [each.reason for each in found.conditions] == ["HistoryUnknown"]
    assert "in the last 7d" in found.conditions[0].message
    assert "monitoring/prometheus:9090: no answer" in found.conditions[0].message
    assert [each.over_time for each in found.workloads] == [False]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(86400, "1d"), (90000, "25h"), (5400, "90m"), (3601, "3601s"), (14 * 86400, "14d")],
)
def test_a_time_is_said_in_the_largest_unit(seconds: int, text: str) -> None:
    assert span(seconds) == text
