"""How clusters compare and what they have room for, reduced to what a report says of them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from model.consistency import comparison, facts
from model.consistency.declaration import Declared
from model.consistency.facts import ClusterFacts, Unread
from model.consistency.report import Consistency, State
from model.fleet_report import compared, machines
from model.fleet_report.differences import of_consistency
from model.fleet_report.document import SourceState
from model.fleet_report.room import NODE, ZONE
from model.status.condition import Condition, Severity
from model.status.reasons import OF_MACHINES
from ops.kube import host_status
from tests.scripts.fleet.report import sample, sample_apis

NOW = datetime(2026, 11, 27, tzinfo=UTC)
V36 = "v1.36.3"
NO_REASONS = ["", ""]


def cluster(name: str, *settings: str, unread: tuple[Unread, ...] = ()) -> ClusterFacts:
    """A cluster with a Node for each of these settings."""
    nodes = {
        f"{name}-{index}": {facts.KUBELET: {"maxPods": value}}
        for index, value in enumerate(settings)
    }
    return ClusterFacts(name, version=V36, nodes=nodes, unread=unread)


def consistency(*clusters: ClusterFacts, **declared: Declared) -> Consistency:
    return comparison.consistency(clusters, declared, NOW)


@pytest.mark.parametrize("size", [0, 1])
def test_few_clusters_have_no_difference(size: int) -> None:
    found = of_consistency(consistency(*[cluster("one", "1")] * size))
    assert (found.items, found.clusters, found.compared) == ((), size, size)


@pytest.mark.parametrize("order", [1, -1])
def test_alike_values_are_one_with_their_clusters(order: int) -> None:
    good = [cluster(f"c{index}", "110", "110") for index in range(5)]
    bad = [cluster("c10", "70", "70"), cluster("c9", "70", "70")]
    found = of_consistency(consistency(*[*good, *bad][::order]))
    (item,) = found.items
    assert (item.title, item.most, item.agree, item.of) == ("kubelet maxPods", "110", 5, 7)
    (value,) = item.values
    assert (value.value, value.state, value.clusters, value.nodes) == (
        "70", State.ODD, ("c9", "c10"), 0,
    )  # fmt: skip
    assert found.of_cluster("c9", State.ODD) == ["kubelet maxPods"]
    assert found.of_cluster("c9", State.NOT_DECLARED) == found.of_cluster("c1", State.ODD) == []


def test_nodes_are_counted_and_only_those_that_differ() -> None:
    found = of_consistency(consistency(cluster("a", "1", "1", "1", "2"), cluster("b", "1")))
    ((value,),) = (item.values for item in found.items)
    assert (value.value, value.clusters, value.nodes) == ("2", ("a",), 1)


def test_what_is_declared_is_beside_the_value() -> None:
    wanted = Declared(V36, nodes={"a-0": {facts.KUBELET: {"maxPods": "110"}}})
    found = of_consistency(consistency(cluster("a", "70"), a=wanted))
    ((value,),) = (item.values for item in found.items)
    assert (value.value, value.declared, value.state) == ("70", "110", State.NOT_DECLARED)
    assert found.is_declared


def states(*clusters: ClusterFacts) -> tuple[SourceState, list[tuple[str, str, str]]]:
    source, _ = compared.of_clusters(consistency(*clusters), None, NO_REASONS).sources
    return source.state, [(each.cluster, each.node, each.reason) for each in source.unreadable]


def test_what_was_not_read_is_said() -> None:
    silent = ClusterFacts("s", reachable=False, unread=(Unread("", "late"),))
    kubelets = tuple(Unread(facts.KUBELET, "no answer", f"a-{index}") for index in range(3))
    one = cluster("a", "1", "1", "1", unread=kubelets)
    assert states(cluster("a", "1")) == (SourceState.READ, [])
    assert states(silent) == (SourceState.UNREAD, [("s", "", "late")])
    assert states(one, silent) == (
        SourceState.PARTIAL,
        [("a", "", "kubelet of 3 Nodes: no answer"), ("s", "", "late")],
    )
    single = cluster("a", "1", unread=kubelets[:1])
    assert states(single) == (SourceState.PARTIAL, [("a", "a-0", "kubelet: no answer")])


def test_without_answers_the_reasons_are_said() -> None:
    found = compared.of_clusters(None, None, ["late", "broken"])
    assert (found.differences, found.capacity) == (None, None)
    assert [(each.state, each.reason) for each in found.sources] == [
        (SourceState.UNREAD, "late"), (SourceState.UNREAD, "broken"),
    ]  # fmt: skip


def test_capacity_is_kept_of_the_clusters_that_answered() -> None:
    found = compared.of_clusters(None, sample_apis.capacity(sample.CLUSTERS, NOW), NO_REASONS)
    room = found.capacity
    assert room is not None
    assert room.of_cluster("iris") is None
    (source,) = (each for each in found.sources if each.state is SourceState.PARTIAL)
    assert [each.cluster for each in source.unreadable] == ["iris"]
    delta, birch = room.of_cluster("delta"), room.of_cluster("birch")
    assert delta is not None
    assert birch is not None
    assert (delta.lost(NODE), delta.lost(ZONE)) == (["delta-3"], ["zone-0", "zone-1", "zone-2"])
    assert (birch.lost(NODE), birch.pending_pods) == ([], 1)


def condition(cluster: str, node: str, message: str, **more: Any) -> Condition:
    values = {"severity": Severity.WARNING, "reason": "HostDrift", **more}
    return Condition(cluster=cluster, kind="Node", name=node, message=message, **values)


def test_machines_with_the_same_difference_are_one_finding() -> None:
    conditions = [
        condition("b", "b-0", "unit kubelet is inactive: repaired"),
        condition("a", "a-0", "file /x differs: repaired", since=NOW),
        condition("b", "b-1", "file /x differs: repaired"),
        condition("a", "a-1", "unknown", severity=Severity.INFO, reason="HostUnknown"),
        condition("a", "a-1", "not its business", reason="NotReady"),
    ]
    for order in (conditions, conditions[::-1]):
        found = {each.message: each for each in machines.of_conditions(order)}
        assert len(found) == 3
        file = found["file /x differs: repaired"]
        assert (file.clusters, file.machines, file.since) == (("a", "b"), 2, NOW)
    assert machines.of_conditions(conditions)[-1].severity is Severity.INFO
    assert machines.drift(conditions[:3]) == ["unit kubelet is inactive", "file /x differs"]
    assert machines.of_conditions([]) == []


def test_the_reasons_are_those_of_what_machines_report() -> None:
    assert {*host_status.REASONS.values(), "HostDrift"} <= {*OF_MACHINES}
