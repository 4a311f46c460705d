"""Nodes of running clusters that the stack's file does not have, and the reverse."""

import pytest

from ops.errors import OperatorError
from ops.kube.cluster_status import NO_NODES
from scripts.fleet import machine_nodes
from scripts.fleet.machine_nodes import differences, machines_of, read_differences
from scripts.fleet.nodes import NodeRow

MACHINES = {"one": ["one-a", "one-b"], "two": ["two-a"]}


def rows(*names: str) -> list[NodeRow]:
    return [NodeRow(name.partition("-")[0], name) for name in names]


def test_machines_are_those_of_the_stack_file() -> None:
    assert machines_of("dev") == {
        name: [f"{name}-control-plane-0", f"{name}-worker-0"] for name in ("cluster1", "cluster2")
    }


def test_nodes_of_the_file_are_no_difference() -> None:
    assert list(differences(rows("one-b", "one-a", "two-a"), MACHINES)) == []


def test_a_node_of_no_machine_and_a_machine_of_no_node_are_named() -> None:
    unknown, missing = differences(rows("one-a", "one-lost", "two-a"), MACHINES)
    assert unknown.startswith("one/one-lost: a Node without a machine in the stack's file.")
    assert missing.startswith("one/one-b: a machine in the stack's file without a Node: run")


def test_a_cluster_without_nodes_lacks_all_of_them() -> None:
    found = [*rows("one-a", "one-b"), NodeRow("two", status=NO_NODES)]
    (missing,) = differences(found, MACHINES)
    assert missing.startswith("two/two-a: ")


def test_an_unreachable_cluster_is_not_compared() -> None:
    found = [*rows("one-a", "one-b"), NodeRow("two", status="API unreachable: refused")]
    assert list(differences(found, MACHINES)) == []


def test_clusters_that_do_not_exist_and_those_not_in_the_file_are_named() -> None:
    missing, unknown = differences(rows("one-a", "one-b", "three-a"), MACHINES)
    assert missing == ("two: in the stack's file, but it does not exist: `fleet up` creates it")
    assert unknown == "three: not in the stack's file: the next `fleet up` destroys it"


def test_clusters_that_were_not_selected_are_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_nodes, "machines_of", lambda _: MACHINES)
    assert read_differences(rows("one-a", "one-b"), "dev", selected=True) == []
    assert len(read_differences(rows("one-a", "one-b"), "dev", selected=False)) == 1


def test_a_wrong_stack_file_hides_no_other_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise OperatorError("line 3: a key that is not text")

    monkeypatch.setattr(machine_nodes, "machines_of", fail)
    assert read_differences(rows("one-a"), "dev", selected=False) == [
        "the Nodes could not be compared with the stack's file: line 3: a key that is not text"
    ]
