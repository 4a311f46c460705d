"""What `fleet status` says of Nodes whose labels and taints are not those of the stack's file."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from model.status.condition import Condition, Severity
from model.status.fleet import ClusterStatus, FleetStatus, NodeStatus
from scripts.fleet import stack_status
from scripts.fleet.status_cache import StatusCache

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ROLE, TAINT = "node-role.kubernetes.io/control-plane", "gpu=yes:NoSchedule"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
PLANE: dict[str, Any] = {"labels": {ROLE: "", EXCLUDED: ""}, "taints": [f"{ROLE}:NoSchedule"]}
LABELS = {"kubeadm-fleet/pool": "worker", "disk": "ssd"}
WORKER: dict[str, Any] = {"labels": LABELS, "taints": [TAINT]}
PLANES, WORKERS = "c-control-plane-0", "c-worker-0"
Ask = Callable[..., list[Condition]]


def node(name: str, spec: dict[str, Any], days: float = 1) -> NodeStatus:
    created = NOW - timedelta(days=days)
    return NodeStatus(name=name, roles=[], ready=True, created=created, **spec)


CONFIG = {
    "machines": {"driver": "container"},
    "clusters": {
        "c": {
            "machines": {"subnet": "10.89.1.0/24"},
            "controlPlanes": {"count": 1},
            "workers": {"count": 1, "labels": {"disk": "ssd"}, "taints": [TAINT]},
        }
    },
}


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text(yaml.safe_dump({"config": {"kubeadm-fleet:fleet": CONFIG}}))
    workspace = SimpleNamespace(tracked_config=file)
    for place in ("ops.pulumi.workspace", "scripts.fleet.machine_nodes"):
        monkeypatch.setattr(f"{place}.open_workspace", lambda _stack: workspace)

    def asked(*nodes: NodeStatus, is_reachable: bool = True) -> list[Condition]:
        down = Condition(
            cluster="c", severity=Severity.ERROR, reason="APIUnreachable", message="none"
        )
        cluster = ClusterStatus(
            name="c",
            reachable=is_reachable,
            nodes=[*nodes],
            conditions=[] if is_reachable else [down],
        )
        status = FleetStatus(time=NOW, clusters=[cluster])
        cache = StatusCache(tmp_path / "cache")
        found = stack_status.with_stack(status, "dev", cache, [], is_selection=False)
        return [each for each in found.clusters[0].conditions if each.kind == "Node"]

    return asked


def test_nodes_as_declared_and_others_own_labels_say_nothing(ask: Ask) -> None:
    theirs = {
        "labels": {**WORKER["labels"], "theirs": "stays"},
        "taints": [*WORKER["taints"], "theirs:NoSchedule"],
    }
    assert ask(node(PLANES, PLANE), node(WORKERS, theirs)) == []


def test_a_node_without_a_label_and_a_taint_is_one_condition(ask: Ask) -> None:
    lacks = {"labels": {"disk": "hdd"}, "taints": []}
    (found,) = ask(node(PLANES, PLANE), node(WORKERS, lacks))
    assert (found.name, found.reason, found.is_problem) == (WORKERS, "NodeEdited", True)
    assert found.message == (
        "label kubeadm-fleet/pool=worker is missing, label disk=ssd is hdd, "
        f"taint {TAINT} is missing: repaired by `fleet refresh` and `fleet up`"
    )
    (plane,) = ask(node(PLANES, {"labels": {ROLE: ""}, "taints": []}), node(WORKERS, WORKER))
    assert plane.message.startswith(f"label {EXCLUDED}= is missing, taint {ROLE}:NoSchedule is")


def test_a_node_that_has_just_joined_is_starting(ask: Ask) -> None:
    young = node(WORKERS, {"labels": {}, "taints": []}, days=0.0001)
    (found,) = ask(node(PLANES, PLANE), young)
    assert (found.reason, found.is_problem) == ("Starting", False)


def test_what_a_cluster_last_said_is_not_compared(ask: Ask) -> None:
    lacks: dict[str, Any] = {"labels": {}, "taints": []}
    assert ask(node(PLANES, lacks), is_reachable=False) == []
