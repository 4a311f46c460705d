"""What an operation of a rollout is given."""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from model import paths
from model.artifacts.bundle import Bundle
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.ssh_errors import ConnectionLost, Unreachable
from ops.rollout import documents, version_rows
from ops.rollout.desired import DesiredCluster
from ops.rollout.node_operations import NodeOperations
from ops.rollout.target import Target
from tests.ops.hosts.bundles import VERSION, make_bundle
from tests.ops.rollout.examples import found, inputs

WORKER = "a-worker-0"


@dataclass
class Connection:
    """A connection that keeps the settings it was given."""

    given: dict[str, Mapping[str, str]] = field(default_factory=dict)
    sent: bytes = b""

    @contextmanager
    def open(self, *, patience_seconds: float) -> Iterator["Connection"]:
        del patience_seconds
        yield self

    def run(
        self, name: str, operation: object, settings: Mapping[str, str], stream: Iterable[bytes]
    ) -> str:
        del operation
        self.given[name] = settings
        self.sent = b"".join(stream)
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


def test_settings_are_those_of_the_machine_and_not_only_of_its_cluster() -> None:
    """What its record is noted with is what was sent."""
    connection = Connection()
    props = inputs()
    props["machines"][WORKER]["kubelet"] = '{"maxPods": 55}'
    cluster = DesiredCluster.of(props)
    given: Any = connection
    for name in (WORKER, "a-control-plane-0"):
        machine = NodeOperations(cluster.by_name[name], given, cluster)
        machine.run("apply_kubelet")
        machine.run("record_applied")
        document = connection.given["apply_kubelet"]["KUBELET_CONFIGURATION"]
        assert (yaml.safe_load(document)["maxPods"] == 55) == (name == WORKER)
        assert connection.given["record_applied"]["KUBELET"] == documents.digest(document)


def test_nothing_is_applied_without_the_table_and_nothing_else_needs_it() -> None:
    connection = Connection()
    machine = operations(connection, "0" * 64)
    with pytest.raises(OperatorError, match="is missing or damaged"):
        machine.run("apply_files", PARTS="proxy")
    machine.run("apply_kubelet")
    assert list(connection.given) == ["apply_kubelet"]


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle in a cache of its own."""
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path)
    return make_bundle()


def restore(connection: Connection, *missing: str) -> None:
    """Restore the images of a worker that lacks these files."""
    machine = operations(connection, "")
    looked = found(machine.wanted, arch="amd64", missing_archives=missing)
    unused: Any = None
    version_rows.IMAGES.run(Target(machine, looked, unused, unused))


def test_only_files_that_the_machine_lacks_are_sent(bundle: Bundle) -> None:
    connection, pause = Connection(), bundle.named("pause").sha256
    restore(connection, pause)
    with tarfile.open(fileobj=io.BytesIO(connection.sent)) as archive:
        assert archive.getnames() == [pause]
    restore(connection)
    with tarfile.open(fileobj=io.BytesIO(connection.sent)) as archive:
        assert archive.getnames() == []
    assert connection.given["restore_images"]["KUBERNETES_VERSION"] == VERSION


def test_images_of_another_bundle_are_not_sent(bundle: Bundle) -> None:
    foreign = bundle.named("apiserver").sha256  # not for workers
    for missing in ("0" * 64, foreign):
        with pytest.raises(OperatorError, match=r"is not the one from which .* `fleet refresh`"):
            restore(Connection(), missing)


@pytest.mark.parametrize(("patience", "calls"), [(0, 1), (20, 2)])
def test_an_inspection_whose_connection_is_lost_is_repeated_within_its_patience(
    patience: float, calls: int
) -> None:
    class Restarting(Connection):
        def run(self, name: str, *_: object) -> str:
            self.given[f"{name} {len(self.given)}"] = {}
            if len(self.given) == 1:
                raise ConnectionLost("the connection was lost")
            return ""

    connection = Restarting()
    found = operations(connection, "").inspect(record_initial=False, patience_seconds=patience)
    assert len(connection.given) == calls
    reason = "its response was incomplete" if calls == 2 else "the connection was lost"
    assert found.unreachable == reason


def test_an_operation_that_is_cut_off_names_its_machine() -> None:
    class Silent(Connection):
        def run(self, name: str, *_: object) -> str:
            raise ConnectionLost("root@192.0.2.1:22: the connection was lost")

    lost = f"{WORKER}: apply kubelet: root@192.0.2.1:22: the connection was lost"
    with pytest.raises(Unreachable, match=f"^{lost}$"):
        operations(Silent(), "").run("apply_kubelet")
