"""A snapshot in the config: what it changes, and what it leaves unchanged."""

from pathlib import Path
from typing import Any

import pytest

from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.model import snapshots
from tests.model.examples import changed

SENT = "cluster1-snapshot"


@pytest.fixture
def config(tmp_path: Path) -> Any:
    """The dev stack, whose first cluster is to be restored."""
    file = tmp_path / "cluster1.db"
    snapshots.write(file)
    return changed(stack_config("dev"), ("clusters/cluster1/controlPlanes/restore", str(file)))


def test_nothing_is_sent_without_a_restore(graph: Graph) -> None:
    assert graph.kinds("EtcdSnapshot") == []


def test_a_snapshot_in_the_config_does_not_initialize_its_cluster_again(
    dev: Graph, config: Any
) -> None:
    assert run(config, dev).changed_from(dev) == {SENT, "cluster1-initialization"}


@pytest.mark.parametrize("words", ["OPS-1", "OPS-2", ""])
def test_consent_to_a_loss_changes_nothing_but_its_record(dev: Graph, words: str) -> None:
    path = "clusters/cluster1/controlPlanes/acceptDataLoss"
    former = run(changed(stack_config("dev"), (path, "OPS-1")), dev)
    given = stack_config("dev")
    after = run(changed(given, (path, words)) if words else given, former)
    assert after.changed_from(former) <= {"cluster1-initialization"}


def test_a_snapshot_is_sent_before_init(config: Any) -> None:
    graph = run(config)
    assert graph.awaits("cluster1-init", SENT)
    assert graph.awaits(SENT, "cluster1-control-plane-0-prepare")
    sent = graph.one(SENT)
    assert "login" in sent.secret_inputs
    assert graph.one("cluster1-init").given["settings"]["SNAPSHOT"] == sent.inputs["sha256"]
    assert "SNAPSHOT" not in graph.one("cluster2-init").given["settings"]


def test_state_contains_the_path_of_a_snapshot_and_not_its_content(config: Any) -> None:
    assert "every object" not in run(config).one(SENT).visible
