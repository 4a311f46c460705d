"""What remains without a Node or a zone."""

from itertools import permutations
from typing import Any

import pytest

from model.capacity.losses import Loss, losses
from model.capacity.reading import ClusterReading
from tests.model.capacity.readings import CONTROL_PLANE_TAINT, cluster, node, pod


def loss(found: ClusterReading, name: str) -> Loss:
    return next(each for each in losses(found) if each.name == name)


def names(found: Loss) -> list[str]:
    return [each.name for each in found.unplaced]


def test_without_nodes_there_is_nothing_to_lose() -> None:
    assert list(losses(cluster([], []))) == []


def test_the_only_node_takes_everything_with_it() -> None:
    (found,) = losses(cluster([node("a")], [pod("web", "a", 100)]))
    assert (found.kind, found.name, found.allocatable) == ("Node", "a", {})
    assert not found.fits
    assert names(found) == ["web"]
    assert found.lacks == ["cpu", "pods"]


def test_daemons_and_static_pods_go_with_their_node() -> None:
    nodes = [node("a"), node("b", cpu=100)]
    found = loss(cluster(nodes, [pod("agent", "a", 900, fixed=True), pod("web", "a", 100)]), "a")
    assert found.fits
    assert [each.name for each in found.moved] == ["web"]
    assert found.requests["cpu"] == 100


def test_the_largest_node_is_one_from_which_pods_would_move() -> None:
    big = node("plane", cpu=8000, taints=(CONTROL_PLANE_TAINT,))
    pods = [pod("etcd", "plane", fixed=True), pod("one", "a", 100), pod("two", "b", 200)]
    (found,) = losses(cluster([big, node("a"), node("b")], pods))
    assert found.name == "b", "as large as a, and its pods request more"


@pytest.mark.parametrize("order", [*permutations("abc")])
def test_enough_in_total_but_in_pieces(order: tuple[str, ...]) -> None:
    nodes = {"a": node("a", cpu=2000), "b": node("b"), "c": node("c")}
    pods = [pod("big", "a", 800), pod("x", "b", 500), pod("y", "c", 500)]
    found = loss(cluster([nodes[name] for name in order], pods), "a")
    assert found.lacks == []
    assert names(found) == ["big"]
    assert not found.fits


def test_the_largest_pods_are_placed_first() -> None:
    pods = [pod("first", "a", 300), pod("second", "a", 300), pod("third", "a", 700)]
    nodes = [node("a", cpu=4000), node("b", cpu=700), node("c", cpu=600)]
    found = loss(cluster(nodes, pods), "a")
    # By name, both small ones would take the room of the large one on b.
    assert found.fits


@pytest.mark.parametrize(
    ("to", "rules", "fits"),
    [
        ({"is_cordoned": True}, {}, False),
        ({"is_ready": False}, {}, False),
        ({"taints": (CONTROL_PLANE_TAINT,)}, {}, False),
        ({"taints": (CONTROL_PLANE_TAINT,)}, {"tolerations": [{"operator": "Exists"}]}, True),
        ({"labels": {"disk": "ssd"}}, {"nodeSelector": {"disk": "ssd"}}, True),
        ({}, {"nodeSelector": {"disk": "ssd"}}, False),
        ({"others": {"nvidia.com/gpu": 1}}, {}, True),
    ],
)
def test_what_a_node_does_not_take(to: Any, rules: Any, fits: bool) -> None:
    needs = {"nvidia.com/gpu": 1} if to.get("others") else {}
    moved = pod("web", "a", 100, rules=rules, others=needs)
    assert loss(cluster([node("a", cpu=2000), node("b", **to)], [moved]), "a").fits is fits


def test_affinity_is_heeded() -> None:
    term = {"matchExpressions": [{"key": "arch", "operator": "In", "values": ["arm64"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    moved = pod("web", "a", 100, rules={"affinity": {"nodeAffinity": required}})
    nodes = [node("a", cpu=2000), node("b"), node("c", labels={"arch": "arm64"})]
    full = pod("full", "c", 1000)
    assert loss(cluster(nodes, [moved]), "a").fits
    assert loss(cluster(nodes, [moved, full]), "a").lacks == ["cpu"], "room on b does not count"


def test_pods_have_places_too() -> None:
    nodes = [node("a", cpu=2000), node("b", pods=1)]
    found = loss(cluster(nodes, [pod("one", "a"), pod("two", "a")]), "a")
    assert found.lacks == ["pods"]
    assert names(found) == ["two"]


def test_a_device_that_no_other_node_has() -> None:
    nodes = [node("a", cpu=2000, others={"nvidia.com/gpu": 1}), node("b")]
    found = loss(cluster(nodes, [pod("train", "a", others={"nvidia.com/gpu": 1})]), "a")
    assert found.lacks == ["nvidia.com/gpu"]


def test_each_zone_where_there_is_more_than_one() -> None:
    nodes = [node("a", zone="z1"), node("b", zone="z1"), node("c", zone="z2")]
    pods = [pod("one", "a", 600), pod("two", "b", 600)]
    found = {each.name: each for each in losses(cluster(nodes, pods)) if each.kind == "zone"}
    assert (found["z1"].nodes, found["z1"].fits, names(found["z1"])) == (2, False, ["two"])
    assert found["z2"].fits
    one = [node("a", zone="z1"), node("b")]
    assert [each.kind for each in losses(cluster(one, pods))] == ["Node"]


def test_an_overcommitted_node_takes_nothing_from_the_others() -> None:
    nodes = [node("a", cpu=2000), node("b"), node("c")]
    pods = [pod("web", "a", 900), pod("static", "b", 5000, fixed=True)]
    assert loss(cluster(nodes, pods), "a").fits


def test_a_pod_without_requests_fits_on_a_node_that_is_overcommitted() -> None:
    nodes = [node("a", cpu=2000), node("b", cpu=100)]
    pods = [pod("idle", "a"), pod("static", "b", 5000, fixed=True)]
    assert loss(cluster(nodes, pods), "a").fits
