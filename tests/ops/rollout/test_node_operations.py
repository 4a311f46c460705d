"""What an operation of a rollout is given."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from model import paths
from ops.errors import OperatorError
from ops.hosts import content
from ops.rollout.desired import DesiredCluster
from ops.rollout.node_operations import NodeOperations
from tests.ops.rollout.examples import inputs

WORKER = "a-worker-0"


@dataclass
class Connection:
    """A connection that keeps the settings it was given."""

    given: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @contextmanager
    def open(self, *, patience_seconds: float) -> Iterator["Connection"]:
        del patience_seconds
        yield self

    def run(self, name: str, operation: object, settings: Mapping[str, str]) -> str:
        del operation
        self.given[name] = settings
        return ""


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "content_dir", lambda: tmp_path / "content")


def operations(connection: Connection, table: str) -> NodeOperations:
    props = inputs()
    props["machines"][WORKER]["files"]["table"] = table
    cluster = DesiredCluster.of(props)
    given: Any = connection
    return NodeOperations(cluster.by_name[WORKER], given, cluster)


def test_files_are_those_of_the_table_that_the_run_stored() -> None:
    connection = Connection()
    machine = operations(connection, content.put("the machine's table\n"))
    machine.run("apply_files", PARTS="proxy")
    settings = connection.given["apply_files"]
    assert (settings["FILES"], settings["PARTS"]) == ("the machine's table\n", "proxy")


def test_nothing_is_applied_without_the_table_and_nothing_else_needs_it() -> None:
    connection = Connection()
    machine = operations(connection, "0" * 64)
    with pytest.raises(OperatorError, match="is missing or damaged"):
        machine.run("apply_files", PARTS="proxy")
    machine.run("apply_kubelet")
    assert list(connection.given) == ["apply_kubelet"]
