"""Sending a snapshot to its machine, with a fake machine."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.providers.etcd_snapshot import EtcdSnapshotProvider
from ops.errors import OperatorError
from ops.hosts import session
from ops.hosts.operations import Operation
from ops.hosts.ssh_errors import Unreachable
from tests.model import snapshots

SNAPSHOT = EtcdSnapshotProvider()
INIT_SETTINGS = (
    "NODE_NAME",
    "MACHINE_ID",
    "NODE_ADDRESS",
    "ENDPOINT",
    "CA_CERTIFICATE",
    "MEMBERSHIP",
)


class Machine:
    """Gives predefined answers, and records what it receives."""

    def __init__(self) -> None:
        self.answer = "required"
        self.got: list[bytes] = []
        self.settings: Mapping[str, str] = {}

    def run(
        self,
        call: str,
        operation: Operation,
        settings: Mapping[str, str],
        stream: Iterable[bytes] = (),
    ) -> str:
        assert set(settings) == set(operation.settings)
        if call == "snapshot_required":
            return f"  0.10 s  an earlier run is still at work\n{self.answer}\n"
        self.settings = settings
        self.got.append(b"".join(stream))
        return ""


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine()

    @contextmanager
    def visit(_way: session.HostConnection, *, patience_seconds: float = 0) -> Iterator[Machine]:
        if made.answer == "":
            raise Unreachable("no response")
        yield made

    monkeypatch.setattr(session.HostConnection, "open", visit)
    return made


@pytest.fixture
def props(tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "cluster1.db"
    return {
        "path": str(file),
        "sha256": snapshots.write(file),
        "machine": "cluster1-control-plane-0",
        "machine_id": "first",
        "login": {"host": "192.0.2.1", "port": 22.0, "user": "root", "sudo": False},
        "settings": {**dict.fromkeys(INIT_SETTINGS, "x"), "OTHER_CONTROL_PLANES": ""},
    }


def test_the_initializing_machine_gets_the_complete_file(
    machine: Machine, props: dict[str, Any]
) -> None:
    outs = SNAPSHOT.create(props).outs
    content = Path(props["path"]).read_bytes()
    assert machine.got == [content]
    assert machine.settings["SNAPSHOT"] == props["sha256"]
    assert machine.settings["SNAPSHOT_BYTES"] == str(len(content))
    assert outs == {**props, "condition": "delivered"}


def test_a_machine_of_an_existing_cluster_gets_nothing(
    machine: Machine, props: dict[str, Any]
) -> None:
    machine.answer = "not-required"
    outs = SNAPSHOT.create(props).outs
    assert machine.got == []
    assert outs
    assert not SNAPSHOT.diff("id", outs, props).changes


@pytest.mark.parametrize(
    "change", [{"machine_id": "second"}, {"sha256": "another"}, {"path": "/another"}]
)
def test_another_machine_or_snapshot_is_sent_again(
    machine: Machine, props: dict[str, Any], change: dict[str, Any]
) -> None:
    outs = SNAPSHOT.create(props).outs or {}
    found = SNAPSHOT.diff("id", outs, {**props, **change})
    assert found.changes
    assert not found.replaces


def test_a_missing_snapshot_is_sent_again(machine: Machine, props: dict[str, Any]) -> None:
    outs = SNAPSHOT.read("id", SNAPSHOT.create(props).outs or {}).outs or {}
    assert SNAPSHOT.diff("id", outs, props).changes
    after = SNAPSHOT.update("id", outs, props).outs or {}
    assert len(machine.got) == 2
    assert not SNAPSHOT.diff("id", after, props).changes


def test_an_unreachable_machine_is_missing_nothing(machine: Machine, props: dict[str, Any]) -> None:
    outs = SNAPSHOT.create(props).outs or {}
    machine.answer = ""
    assert SNAPSHOT.read("id", outs).outs == outs


def test_a_deleted_snapshot_file_is_reported(machine: Machine, props: dict[str, Any]) -> None:
    Path(props["path"]).unlink()
    with pytest.raises(OperatorError, match=r"cluster1\.db cannot be read \(No such file"):
        SNAPSHOT.create(props)
