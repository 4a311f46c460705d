"""The report of a fleet: sums, findings, what is not known."""

from datetime import UTC, datetime

from model.capacity import fleet
from model.capacity.reading import ClusterReading, Usage
from model.capacity.report import CapacityReport
from model.status.condition import Condition, Severity
from tests.model.capacity.readings import GIB, cluster, node, pod

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def report(*clusters: ClusterReading) -> CapacityReport:
    return fleet.of_fleet([fleet.of_cluster(each, 20) for each in clusters], NOW, 20)


def test_no_cluster() -> None:
    found = report()
    assert (found.figures.nodes, found.figures.used, found.is_complete) == (0, None, True)


def test_sums_of_nodes_pools_clusters_and_the_fleet() -> None:
    nodes = [node("a", pool="one"), node("b", pool="two"), node("c", pool="two")]
    pods = [pod("x", "a", 100), pod("y", "b", 200), pod("z", "c", 300)]
    found = report(cluster(nodes, pods), cluster(nodes, pods))
    (one, _) = found.clusters
    assert [each.figures.requests.cpu_millicores for each in one.nodes] == [100, 200, 300]
    assert [each.figures.requests.cpu_millicores for each in one.pools] == [100, 500]
    assert one.figures.requests.cpu_millicores == 600
    assert found.figures.requests.cpu_millicores == 1200
    assert found.figures.allocatable.pods == 660
    assert found.figures.requests.pods == 6


def test_a_pod_without_a_node_is_told_and_not_counted() -> None:
    one = cluster([node("a")], [pod("x", "", 100), pod("gone", "former", 100)])
    found = report(one)
    assert found.clusters[0].pending_pods == 1
    assert found.clusters[0].figures.requests.pods == 0
    assert [each.reason for each in found.all_conditions] == ["UsageUnknown", "PodsPending"]


def test_a_cluster_that_did_not_answer_is_in_no_sum() -> None:
    down = Condition(cluster="osaka", severity=Severity.ERROR, reason="Down", message="down")
    dead = fleet.unread("osaka", {"region": "osaka"}, [down])
    found = fleet.of_fleet([dead, fleet.of_cluster(cluster([node("a")], []), 20)], NOW, 20)
    assert not found.is_complete
    assert (found.figures.nodes, len(found.clusters)) == (1, 2)
    assert [each.reason for each in found.all_conditions] == ["Down", "UsageUnknown"]


def test_usage_of_some_nodes_only() -> None:
    usage = Usage(nodes={"a": {"cpu": 250, "memory": GIB}})
    found = report(cluster([node("a"), node("b")], [], usage))
    (one,) = found.clusters
    assert one.figures.used is not None
    assert one.figures.used.cpu_millicores == 250
    assert one.nodes[1].figures.used is None
    assert [each.reason for each in found.all_conditions] == ["UsageIncomplete"]


def test_what_is_used_of_a_node_that_is_gone_does_not_count() -> None:
    usage = Usage(nodes={"a": {"cpu": 1}, "gone": {"cpu": 5000}})
    (one,) = report(cluster([node("a")], [], usage)).clusters
    assert one.figures.used is not None
    assert one.figures.used.cpu_millicores == 1


def test_findings_of_workloads() -> None:
    pods = [
        pod("over", "a", 1000, memory=1),
        pod("under", "a", 100),
        pod("fair", "a", 190),
        pod("none", "a", without=("cpu", "memory")),
        pod("unmeasured", "a", 1000),
        pod("web-1", "a", 500, workload="Deployment/web"),
        pod("web-2", "a", 500, workload="Deployment/web"),
    ]
    used = {
        "over": {"cpu": 499, "memory": GIB // 2},
        "under": {"cpu": 200},
        "fair": {"cpu": 91},
        "none": {"cpu": 5000},
        "web-1": {"cpu": 300},
    }
    usage = Usage(pods={("default", name): amounts for name, amounts in used.items()})
    (one,) = report(cluster([node("a")], pods, usage)).clusters
    found = {each.name: each for each in one.workloads}
    assert found["Pod/over"].findings == {"cpu": "over"}, "half of its memory is not less than half"
    assert found["Pod/under"].findings == {"cpu": "under"}
    assert found["Pod/fair"].findings == {}, "a difference below 100m"
    assert found["Pod/none"].findings == {"cpu": "none", "memory": "none"}
    assert found["Pod/unmeasured"].findings == {}
    web = found["Deployment/web"]
    assert (web.pods, web.requests.cpu_millicores, web.findings) == (2, 1000, {})
