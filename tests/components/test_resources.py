"""Which resources there are, by name and place: names are permanent, since they identify state."""

import re
from pathlib import Path

import pytest

from tests.components.graph import Graph

GOLDEN = Path(__file__).parent / "golden"
MOST_PER_MACHINE = 4
STEPS = {"", "-prepare", "-membership", "-join"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_resources_are_those_of_the_golden_file(stack: str, request: pytest.FixtureRequest) -> None:
    graph: Graph = request.getfixturevalue(stack)
    assert graph.tree() == (GOLDEN / f"{stack}.txt").read_text()


def test_machine_costs_at_most_four_resources_and_its_component(graph: Graph) -> None:
    machines = graph.kinds("machine:Machine")
    assert len(machines) == len({machine.name for machine in machines}) >= 4
    for machine in machines:
        children = graph.children(machine)
        assert len(children) <= MOST_PER_MACHINE
        assert {each.name.removeprefix(machine.name) for each in children} == STEPS


def test_machine_is_named_after_cluster_role_and_index(graph: Graph) -> None:
    for machine in graph.kinds("machine:Machine"):
        pool, cluster, *_ = graph.above(machine)
        role = {"ControlPlane": "control-plane", "Workers": "worker"}[pool.kind.split(":")[1]]
        assert re.fullmatch(rf"{cluster.name}-{role}-\d+", machine.name)


def test_everything_of_a_cluster_is_inside_it(graph: Graph) -> None:
    for each in graph.customs:
        if each.kind == "SshKey":
            continue
        cluster = graph.above(each)[-2]
        assert cluster.kind == "cluster:Cluster"
        assert each.name.startswith(f"{cluster.name}-")


def test_only_the_fleet_is_at_the_top(graph: Graph) -> None:
    assert [each.name for each in graph if not graph.above(each)] == ["fleet"]
