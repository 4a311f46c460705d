"""How many Nodes of a pool are enough."""

import pytest

from model.capacity.fewer_nodes import FewerNodes, fewer_nodes
from model.capacity.reading import ClusterReading, Usage
from tests.model.capacity.readings import GIB, cluster, node, pod


def of(found: ClusterReading, reserve: float = 0) -> FewerNodes:
    (only,) = fewer_nodes(found, reserve)
    return only


def test_an_empty_pool_keeps_one() -> None:
    found = of(cluster([node("a"), node("b"), node("c")], []))
    assert (found.nodes, found.enough, found.spare) == (3, 1, 2)
    assert found.limited_by == ()


@pytest.mark.parametrize(
    ("reserve", "enough"), [(0, 1), (40, 1), (41, 2), (70, 2), (71, None), (99, None)]
)
def test_the_reserve_is_left_on_each_node(reserve: float, enough: int | None) -> None:
    pods = [pod("x", "a", 300), pod("y", "b", 300)]
    assert of(cluster([node("a"), node("b")], pods), reserve).enough == enough


def test_what_one_node_fewer_would_lack() -> None:
    pods = [pod(f"p{index}", "a", 100, memory=1) for index in range(5)]
    found = of(cluster([node("a"), node("b"), node("c")], pods))
    assert (found.enough, found.limited_by) == (2, ("memory",))


def test_pieces_that_do_not_fit_together() -> None:
    pods = [pod("x", "a", 600), pod("y", "b", 600), pod("z", "c", 600)]
    found = of(cluster([node("a"), node("b"), node("c")], pods))
    assert (found.enough, found.limited_by) == (3, ("placement",))


def test_daemons_need_their_share_of_each_node_that_is_kept() -> None:
    daemons = [pod(f"agent-{name}", name, 500, fixed=True) for name in "abc"]
    found = of(cluster([node(name) for name in "abc"], [*daemons, pod("web", "a", 400)]))
    assert found.enough == 1
    found = of(cluster([node(name) for name in "abc"], [*daemons, pod("web", "a", 600)]))
    assert found.enough is None


def test_the_largest_nodes_are_kept() -> None:
    nodes = [node("small", cpu=500), node("large", cpu=4000, memory=16)]
    assert of(cluster(nodes, [pod("web", "small", 500), pod("db", "large", 3500)])).enough == 1


def test_nodes_that_take_no_pods_are_not_kept() -> None:
    nodes = [node("a", is_cordoned=True), node("b", is_ready=False), node("c")]
    found = of(cluster(nodes, [pod("x", "a", 600), pod("y", "c", 600)]))
    assert (found.nodes, found.enough) == (3, None)
    assert of(cluster([node("a", is_cordoned=True)], [])).enough is None


def test_what_is_used_counts_where_nothing_is_requested() -> None:
    used = {name: {"cpu": 10, "memory": 3 * GIB} for name in "abc"}
    found = of(cluster([node(name) for name in "abc"], [pod("web", "a")], Usage(nodes=used)))
    assert (found.enough, found.limited_by) == (3, ("used memory",))


def test_control_planes_are_nobodys_spare_nodes() -> None:
    planes = [node(f"plane-{index}", pool="cp", is_control_plane=True) for index in range(3)]
    assert list(fewer_nodes(cluster(planes, []), 20)) == []


def test_pools_are_judged_by_themselves() -> None:
    nodes = [node("a", pool="one"), node("b", pool="two"), node("c", pool="two")]
    found = {each.pool: each for each in fewer_nodes(cluster(nodes, [pod("x", "b", 900)]), 0)}
    assert {name: each.enough for name, each in found.items()} == {"one": 1, "two": 1}
    assert found["one"].spare == 0
