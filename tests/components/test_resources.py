"""Names and parents of resources: names are permanent, since they identify state."""

import json
import re
from base64 import b64encode
from pathlib import Path

import pytest

from model.render.containerd import CONFIG
from ops.hosts import content
from tests.components.graph import Graph

GOLDEN = Path(__file__).parent / "golden"
MOST_PER_MACHINE = 4
STEPS = {"", "-prepare", "-membership", "-join"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_resources_match_the_golden_file(stack: str, request: pytest.FixtureRequest) -> None:
    graph: Graph = request.getfixturevalue(stack)
    assert graph.tree() == (GOLDEN / f"{stack}.txt").read_text()


def test_machine_costs_at_most_four_resources_and_its_component(graph: Graph) -> None:
    machines = graph.kinds("machine:Machine")
    assert len(machines) == len({machine.name for machine in machines}) >= 4
    for machine in machines:
        children = graph.children(machine)
        assert len(children) <= MOST_PER_MACHINE
        assert {each.name.removeprefix(machine.name) for each in children} == STEPS


def test_machine_is_named_after_its_cluster_and_number_or_host(graph: Graph) -> None:
    names = {
        "ControlPlane": r"control-plane-\d+|cp-[abc]",
        "Workers": r"worker-\d+|rack\d-a",
    }
    for machine in graph.kinds("machine:Machine"):
        role, cluster, *_ = graph.above(machine)
        assert re.fullmatch(f"{cluster.name}-({names[role.kind.split(':')[1]]})", machine.name)


def test_everything_of_a_cluster_is_inside_it(graph: Graph) -> None:
    for each in graph.customs:
        if each.kind == "SshKey":
            continue
        cluster = graph.above(each)[-2]
        assert cluster.kind == "cluster:Cluster"
        assert each.name.startswith(f"{cluster.name}-")


def test_only_the_fleet_is_at_the_top(graph: Graph) -> None:
    assert [each.name for each in graph if not graph.above(each)] == ["fleet"]


def test_machine_is_sent_the_table_of_its_files(graph: Graph) -> None:
    for machine in graph.kinds("machine:Machine"):
        table = content.get(graph.one(machine.name).inputs["files"])
        assert "/etc/containerd/config.toml\t0644\t" in table


def test_state_holds_where_a_resource_is_made_and_not_the_whole_stack(graph: Graph) -> None:
    for each in graph:
        (made,) = each.stack
        assert "/components/" in made or made.endswith("/__main__.py"), each.name


def test_state_holds_no_text_of_a_script_or_file(graph: Graph) -> None:
    scripts = ["step_prepare() {", "begin_membership() {", b64encode(CONFIG.encode()).decode()[:80]]
    for each in graph:
        held = json.dumps([each.inputs, each.outputs])
        assert not [text for text in scripts if text in held], each.name
