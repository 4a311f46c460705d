"""Which values differ: from what is declared, between clusters, between the Nodes of one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from model.consistency import facts
from model.consistency import matrix as matrices
from model.consistency.declaration import Declared
from model.consistency.facts import ClusterFacts, Unread, document
from model.consistency.report import Cell, Row, State

FLAG = "--profiling"
V36, V37 = "v1.36.3", "v1.37.2"


def matrix(
    clusters: Sequence[ClusterFacts], declared: Mapping[str, Declared], *, every: bool = False
) -> list[Row]:
    """The rows, which do not depend on whether those without a difference are wanted."""
    found = matrices.matrix(clusters, declared)
    all_rows = matrices.matrix(clusters, declared, every=True)
    assert [row for row in all_rows.rows if row.is_difference] == found.rows
    assert found.compared == all_rows.compared
    return all_rows.rows if every else found.rows


def cluster(name: str, role: str = "a", version: str = V36) -> ClusterFacts:
    """A cluster of which one item is known."""
    return ClusterFacts(name, version=version, areas={facts.RBAC: {"ClusterRole view": role}})


def with_nodes(name: str, *settings: Mapping[str, str], area: str = facts.KUBELET) -> ClusterFacts:
    """A cluster with a Node for each of these settings."""
    nodes = {f"{name}-{index}": {area: items} for index, items in enumerate(settings)}
    return ClusterFacts(name, version=V36, nodes=nodes)


def declares(
    found: ClusterFacts, *settings: Mapping[str, str], area: str = facts.KUBELET
) -> Declared:
    return Declared(V36, nodes={
        name: {area: items} for name, items in zip(found.nodes, settings, strict=True)
    })  # fmt: skip


def states(row: Row) -> dict[str, State]:
    return {cell.cluster: cell.state for cell in row.cells}


def of_nodes(cell: Cell) -> dict[str, State]:
    return {node: each.state for each in cell.nodes for node in each.nodes}


def only(found: Sequence[Row]) -> Row:
    (row,) = found
    return row


def test_clusters_that_are_alike_have_no_row_unless_all_are_wanted() -> None:
    same = [cluster("a"), cluster("b")]
    assert matrix(same, {}) == []
    row = only(matrix(same, {}, every=True))
    assert (row.most, row.agree, row.of, row.is_difference) == ("a", 2, 2, False)


def test_the_odd_one_is_marked_with_how_many_agree() -> None:
    found = [cluster("a"), cluster("b", "other"), cluster("c"), cluster("d")]
    row = only(matrix(found, {}))
    assert states(row) == {**dict.fromkeys("acd", State.SAME), "b": State.ODD}
    assert (row.most, row.agree, row.of) == ("a", 3, 4)


def test_the_order_in_which_clusters_are_asked_does_not_matter() -> None:
    found = [cluster("a"), cluster("b", "other"), cluster("c")]
    backwards = only(matrix(found[::-1], {}))
    assert states(only(matrix(found, {}))) == states(backwards)


@pytest.mark.parametrize("values", [("x", "y"), ("x", "x", "y", "y"), ("x", "y", "z")])
def test_without_a_majority_all_are_shown(values: Sequence[str]) -> None:
    row = only(matrix([cluster(f"c{n}", value) for n, value in enumerate(values)], {}))
    assert {*states(row).values()} == {State.SPLIT}
    assert (row.most, row.agree) == (None, 0)


def test_what_a_cluster_lacks_is_a_value() -> None:
    lacking = replace(cluster("b"), areas={facts.RBAC: {}})
    row = only(matrix([cluster("a"), lacking, cluster("c")], {}))
    assert states(row)["b"] is State.ODD
    assert row.cells[1].value == ""


def test_namespaces_of_other_clusters_need_not_exist() -> None:
    one = ClusterFacts("a", version=V36, areas={facts.POD_SECURITY: {"shop": "enforce=baseline"}})
    other = replace(one, name="b", areas={facts.POD_SECURITY: {}})
    assert matrix([one, other, replace(other, name="c")], {}) == []
    weaker = replace(one, name="d", areas={facts.POD_SECURITY: {"shop": "none"}})
    assert states(only(matrix([one, other, weaker], {}))) == {
        "a": State.SPLIT, "b": State.NONE, "d": State.SPLIT
    }  # fmt: skip


def test_an_unreachable_cluster_is_unknown_and_no_vote() -> None:
    silent = ClusterFacts("b", reachable=False, unread=(Unread("", "no answer within 10 s"),))
    assert matrix([cluster("a"), silent], {}) == []
    row = only(matrix([cluster("a"), silent, cluster("c", "x")], {}))
    assert states(row) == {"a": State.SPLIT, "b": State.UNKNOWN, "c": State.SPLIT}
    assert row.of == 2


def test_what_was_not_read_is_not_missing() -> None:
    """RBAC was cut off in the middle: of what is not there nothing is known."""
    cut = replace(cluster("b"), areas={facts.RBAC: {}}, unread=(Unread(facts.RBAC, "late"),))
    row = only(matrix([cluster("a"), cut], {}, every=True))
    assert states(row) == {"a": State.SAME, "b": State.UNKNOWN}
    assert not row.is_difference


def test_clusters_of_another_version_are_compared_with_each_other() -> None:
    """Kubernetes' own roles, defaults and images follow from its version."""
    found = [cluster("a"), cluster("b"), cluster("c", "new", V37)]
    assert matrix(found, {}) == []
    changed = [*found, cluster("d", "newer", V37)]
    assert states(only(matrix(changed, {}))) == {
        "a": State.SAME, "b": State.SAME, "c": State.SPLIT, "d": State.SPLIT
    }  # fmt: skip


def test_another_version_is_itself_a_difference_unless_it_is_declared() -> None:
    def versions(name: str, kubelet: str) -> ClusterFacts:
        return with_nodes(name, {facts.KUBELET_VERSION: kubelet}, area=facts.VERSIONS)

    found = [versions("a", V36), versions("b", V36), versions("c", V37)]
    assert states(only(matrix(found, {})))["c"] is State.ODD
    declared = {
        each.name: replace(
            declares(each, {facts.KUBELET_VERSION: version}, area=facts.VERSIONS), version=version
        )
        for each, version in zip(found, (V36, V36, V37), strict=True)
    }
    assert matrix(found, declared) == []


def test_a_value_that_is_not_declared_is_marked_though_all_clusters_have_it() -> None:
    found = [with_nodes(name, {"maxPods": "70"}) for name in "ab"]
    declared = {each.name: declares(each, {"maxPods": "110"}) for each in found}
    row = only(matrix(found, declared))
    assert {*states(row).values()} == {State.NOT_DECLARED}
    assert {cell.declared for cell in row.cells} == {"110"}


def test_clusters_that_are_declared_to_differ_do_not() -> None:
    found = [with_nodes("a", {"maxPods": "70"}), *(with_nodes(n, {"maxPods": "110"}) for n in "bc")]
    assert states(only(matrix(found, {})))["a"] is State.ODD
    assert matrix(found, {"a": declares(found[0], {"maxPods": "70"})}) == []


def test_a_flag_that_is_not_declared_is_one_too_many() -> None:
    """Also in a fleet of one cluster with one control plane, which differs from nobody."""
    found = with_nodes("a", {FLAG: "false", "--v": "8"}, area=facts.SCHEDULER)
    declared = {"a": declares(found, {FLAG: "false"}, area=facts.SCHEDULER)}
    row = only(matrix([found], declared))
    assert (row.item, row.cells[0].state, row.cells[0].declared) == (
        "--v", State.NOT_DECLARED, None
    )  # fmt: skip


def test_who_is_as_declared_does_not_differ_from_who_is_not() -> None:
    """Of two clusters, or of two Nodes: it is known which one is wrong."""
    found = [cluster("a"), cluster("b")]
    roles = [document({"rules": [{"verbs": [verb]}]}, keep=False) for verb in ("get", "*")]
    found = [
        replace(each, areas={facts.RBAC: {"ClusterRole x": role}})
        for each, role in zip(found, roles, strict=True)
    ]
    declared = {name: Declared(V36, areas=found[0].areas) for name in "ab"}
    assert states(only(matrix(found, declared))) == {"a": State.SAME, "b": State.NOT_DECLARED}
    planes = with_nodes("a", {FLAG: "false"}, {FLAG: "false", "--v": "8"}, area=facts.SCHEDULER)
    of_config = declares(planes, {FLAG: "false"}, {FLAG: "false"}, area=facts.SCHEDULER)
    (cell,) = only(matrix([planes], {"a": of_config})).cells
    assert of_nodes(cell) == {"a-0": State.SAME, "a-1": State.NOT_DECLARED}


def test_a_declared_flag_that_is_gone() -> None:
    found = with_nodes("a", {}, area=facts.SCHEDULER)
    declared = {"a": declares(found, {FLAG: "false"}, area=facts.SCHEDULER)}
    (cell,) = only(matrix([found], declared)).cells
    assert (cell.value, cell.declared, cell.state) == ("", "false", State.NOT_DECLARED)


def test_the_node_that_differs_from_its_siblings() -> None:
    found = with_nodes("a", *({"maxPods": value} for value in ("110", "70", "110")))
    (cell,) = only(matrix([found], {})).cells
    assert (cell.value, cell.state) == ("110", State.SAME)
    assert of_nodes(cell) == {"a-0": State.SAME, "a-1": State.ODD, "a-2": State.SAME}


def test_of_two_nodes_that_differ_none_is_odd() -> None:
    found = with_nodes("a", {"maxPods": "110"}, {"maxPods": "70"})
    (cell,) = only(matrix([found], {})).cells
    assert {*of_nodes(cell).values()} == {State.SPLIT}


def test_pools_that_are_declared_to_differ_do_not() -> None:
    found = with_nodes("a", *({"maxPods": value} for value in ("110", "70", "110")))
    declared = {"a": declares(found, {}, {"maxPods": "70"}, {})}
    assert matrix([found], declared) == []
    other = {"a": declares(found, {}, {"maxPods": "60"}, {})}
    assert of_nodes(only(matrix([found], other)).cells[0]) == {
        "a-0": State.SAME, "a-1": State.NOT_DECLARED, "a-2": State.SAME
    }  # fmt: skip


def test_one_node_does_not_make_its_cluster_odd() -> None:
    found = [
        with_nodes("a", *({"maxPods": value} for value in ("110", "70", "110"))),
        with_nodes("b", {"maxPods": "110"}),
        with_nodes("c", {"maxPods": "110"}),
    ]
    row = only(matrix(found, {}))
    assert {*states(row).values()} == {State.SAME}
    assert [cell.is_difference for cell in row.cells] == [True, False, False]


def test_nodes_of_a_cluster_agree_on_what_other_clusters_do_not() -> None:
    values = {"a": "9", "b": "8", "c": "9"}
    found = [with_nodes(name, *[{"maxPods": value}] * 3) for name, value in values.items()]
    assert states(only(matrix(found, {}))) == {
        "a": State.SAME, "b": State.ODD, "c": State.SAME
    }  # fmt: skip


def test_fields_that_an_api_adds_are_no_difference_but_further_entries_are() -> None:
    wanted = {"containers": [{"name": "a", "args": ["x"]}], "hostNetwork": True, "priority": 0}
    live = {
        "containers": [{"name": "a", "args": ["x"], "imagePullPolicy": "IfNotPresent"}],
        "hostNetwork": True,
        "dnsPolicy": "ClusterFirst",
    }

    def marked(content: object) -> Row | None:
        found = ClusterFacts(
            "a", version=V36, areas={facts.ADD_ONS: {"DaemonSet x": document(content)}}
        )
        declared = Declared(V36, areas={facts.ADD_ONS: {"DaemonSet x": document(wanted)}})
        return next(iter(matrix([found], {"a": declared})), None)

    assert marked(live) is None
    changed = marked({**live, "hostNetwork": False})
    assert changed is not None
    assert changed.cells[0].fields == ["hostNetwork"]
    more = marked({**live, "containers": [*live["containers"], {"name": "b", "image": "i"}]})  # type: ignore[misc]
    assert more is not None
    assert more.cells[0].fields == ["containers[b].image"]


def test_a_rule_more_is_a_difference() -> None:
    rule = {"verbs": ["get"]}

    def found(*rules: object) -> ClusterFacts:
        role = document({"rules": [*rules]}, keep=False)
        return ClusterFacts("a", version=V36, areas={facts.RBAC: {"ClusterRole x": role}})

    declared = {"a": Declared(V36, areas=found(rule).areas)}
    assert matrix([found(rule)], declared) == []
    assert only(matrix([found(rule, {"verbs": ["*"]})], declared)).cells[0].state is (
        State.NOT_DECLARED
    )


@pytest.mark.parametrize(("wanted", "found"), [("1h", "1h0m0s"), ("0", None), ("false", None)])
def test_ways_to_write_the_same_setting(wanted: str, found: str | None) -> None:
    node = with_nodes("a", {} if found is None else {"x": found})
    assert matrix([node], {"a": declares(node, {"x": wanted})}) == []
    assert matrix([with_nodes("a", {"x": "2h"})], {"a": declares(node, {"x": wanted})}) != []


def test_what_a_host_says_is_compared_like_the_rest() -> None:
    digests = {facts.FILES: {"/etc/x": "1"}, facts.SYSCTLS: {"vm.overcommit_memory": "1"}}
    found = with_nodes("a", {}, {}, {})
    for node in found.nodes:
        found = found.with_host(node, digests)
    assert matrix([found], {}) == []
    edited = found.with_host("a-1", {**digests, facts.FILES: {"/etc/x": "2"}})
    row = only(matrix([edited], {}))
    assert (row.area, row.item) == (facts.FILES, "/etc/x")
    assert of_nodes(row.cells[0])["a-1"] is State.ODD
    silent = replace(found, nodes={**found.nodes, "a-3": {}})
    assert matrix([silent], {}) == [], "a Node that said nothing differs from nobody"


def test_nothing_at_all() -> None:
    assert matrix([], {}) == []
    assert matrix([ClusterFacts("a", version=V36)], {}) == []
