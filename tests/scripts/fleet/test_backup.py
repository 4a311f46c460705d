"""`fleet backup` against a real sshd, with the real script on folders of the test."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from model.backups import NAME_FORMAT, Backups
from model.render import node_scripts
from ops.errors import OperatorError
from ops.hosts import snapshots, sudo
from ops.hosts.inventory import Inventory, MachineEntry
from ops.hosts.operations import OPERATIONS
from scripts.fleet import engine_run
from scripts.fleet.__main__ import cli
from tests.model.snapshots import PAGES, write
from tests.scripts.fleet.hosts import login
from tests.sshd import KeyPair, Sshd

Fleet = Callable[..., int]
HOUR = timedelta(hours=1)
TAKE = """
etcd_tools() { echo /nowhere; }
lib_begin() { mkdir -p "$STATE"; }
take_snapshot() { cp "$STATE/next" "$SNAPSHOTS/$(date --utc +%Y%m%dT%H%M%SZ).db"; }
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The machines' state folder."""
    folder = tmp_path / "state"
    (folder / "snapshots").mkdir(parents=True)
    return folder


@pytest.fixture
def fleet(
    host: Sshd, key: KeyPair, monkeypatch: pytest.MonkeyPatch, state: Path, tmp_path: Path
) -> Fleet:
    """Runs `fleet backup` in a folder; `one` has a control plane, a silent one, and a worker."""
    there = login(host, key)
    entry: MachineEntry = {
        "address": "192.0.2.1",
        "role": "control-plane",
        "pool": "",
        "driver": "existing",
        "login": there.to_props(),
    }
    silent: MachineEntry = {**entry, "login": replace(there, port=1).to_props()}
    worker: MachineEntry = {**silent, "role": "worker"}
    output = {
        "one": {"one-control-plane-0": entry, "one-worker-0": worker},
        "half": {"half-control-plane-0": silent, "half-control-plane-1": entry},
    }
    real = node_scripts.compose

    def compose(script: str, settings: Mapping[str, str]) -> str:
        assert script in ("kept_snapshots", "snapshot_now")
        assert set(settings) in [set(operation.settings) for operation in OPERATIONS.values()]
        text = real(script, settings)
        return text.replace("STATE=/var/lib/kubeadm-fleet", f"STATE={state}") + TAKE

    def run(*arguments: str) -> int:
        try:
            cli.main(["backup", *arguments])
        except SystemExit as ended:
            status: Any = ended.code
            return int(status)
        raise AssertionError

    monkeypatch.setattr(node_scripts, "compose", compose)
    monkeypatch.setattr(engine_run, "inventory", lambda _stack: Inventory(output))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return run


def keep(state: Path, age: timedelta, content: bytes = PAGES) -> str:
    """Let the machines have a snapshot; return its name."""
    name = (datetime.now(UTC) - age).strftime(NAME_FORMAT)
    write(state / "snapshots" / name, content)
    return name


def damage(state: Path, name: str) -> None:
    file = state / "snapshots" / name
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)


def test_snapshots_are_listed_newest_first(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = keep(state, 26 * HOUR), keep(state, 2 * HOUR)
    assert fleet("ls", "one") == 0
    head, *rows = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert head == ["CLUSTER", "NODE", "SNAPSHOT", "AGE", "SIZE", "VERIFIED"]
    assert [row[:4] for row in rows] == [
        ["one", "one-control-plane-0", new, "2h"],
        ["one", "one-control-plane-0", old, "1d2h"],
    ]


def test_files_of_a_person_are_no_snapshots(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = keep(state, HOUR)
    write(state / "snapshots" / "before-the-upgrade.db")
    assert fleet("ls", "one") == 0
    assert [line.split()[2] for line in capfd.readouterr().out.splitlines()[1:]] == [name]


def test_a_control_plane_without_a_recent_one_is_a_finding(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert fleet("ls", "one") == 1
    assert "<none>" in capfd.readouterr().out
    keep(state, 49 * HOUR)
    assert fleet("ls", "one") == 1
    assert "one-control-plane-0: no snapshot of the last two days" in capfd.readouterr().err


def member(state: Path, age: timedelta) -> None:
    """Let the machines have joined so long ago."""
    file = state / "member"
    file.write_text("membership")
    then = (datetime.now(UTC) - age).timestamp()
    os.utime(file, (then, then))


def test_a_control_plane_that_joined_minutes_ago_is_no_finding(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    member(state, timedelta(minutes=5))
    assert fleet("ls", "one") == 0
    shown = capfd.readouterr()
    assert "<none yet>" in shown.out
    assert "one-control-plane-0: joined within the hour" in shown.err
    assert "no snapshot of the last two days" not in shown.err
    keep(state, 49 * HOUR)
    assert fleet("ls", "one") == 1, "a snapshot that is too old is one"


@pytest.mark.parametrize("age", [2 * HOUR, -2 * HOUR])
def test_an_older_control_plane_without_one_is_a_finding(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str], age: timedelta
) -> None:
    member(state, age)
    assert fleet("ls", "one") == 1
    assert "no snapshot of the last two days" in capfd.readouterr().err


def test_a_second_fetch_verifies_the_copy_that_is_here(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = keep(state, HOUR)
    assert fleet("fetch", "one") == 0
    first = capfd.readouterr()
    taken = datetime.strptime(name, NAME_FORMAT)
    assert first.err.startswith(
        f"copied from one-control-plane-0 and verified: the snapshot of {taken:%Y-%m-%d %H:%M:%S}"
    )
    assert fleet("fetch", "one") == 0
    second = capfd.readouterr()
    assert second.out == first.out
    assert second.err.startswith("already here and verified: the snapshot of")
    assert list(Path().iterdir()) == [Path(f"one-{name}")]


def test_a_damaged_copy_is_not_taken_for_the_snapshot(fleet: Fleet, state: Path) -> None:
    name = keep(state, HOUR)
    Path(f"one-{name}").write_bytes(b"a person's")
    with pytest.raises(OperatorError, match="exists, but is not an intact snapshot"):
        fleet("fetch", "one")
    assert Path(f"one-{name}").read_bytes() == b"a person's"


def test_a_snapshot_of_a_clock_that_was_wrong_is_no_recent_one(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = keep(state, -1000 * HOUR)
    assert fleet("ls", "one") == 1
    assert "<future>" in capfd.readouterr().out
    right = keep(state, HOUR)
    assert fleet("ls", "one") == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines()[1:]]
    assert [row[2:4] for row in rows] == [[right, "1h"], [wrong, "<future>"]]
    assert fleet("fetch", "one", "-O", "newest.db") == 0
    assert "age 1h" in capfd.readouterr().err


def test_a_control_plane_that_does_not_answer_is_a_row(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(state, HOUR)
    assert fleet("ls") == 2
    shown = capfd.readouterr()
    assert shown.out.splitlines()[1].split()[:3] == ["half", "half-control-plane-0", "<unknown>"]
    assert "fleet: half-control-plane-0:" in shown.err
    assert "one-worker-0" not in shown.out + shown.err


def test_a_corrupt_snapshot_is_found_where_it_is(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(state, 2 * HOUR)
    damage(state, keep(state, HOUR))
    assert fleet("ls", "one") == 0
    capfd.readouterr()
    assert fleet("ls", "one", "--verify") == 1
    rows = capfd.readouterr().out.splitlines()[1:]
    assert [row.split("MiB")[1].strip() for row in rows] == ["<corrupt>", "now"]


def test_the_document_has_the_fields_of_the_schema(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = keep(state, HOUR)
    assert fleet("ls", "-o", "json") == 2
    document = Backups.model_validate(json.loads(capfd.readouterr().out))
    assert [(kept.node, kept.name) for kept in document.snapshots] == [
        ("one-control-plane-0", name),
        ("half-control-plane-1", name),
    ]


def test_the_newest_is_copied_to_a_private_file(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(state, 26 * HOUR, PAGES + PAGES)
    name = keep(state, HOUR)
    assert fleet("fetch", "one") == 0
    shown = capfd.readouterr()
    file = Path(shown.out.strip())
    assert file == Path(f"one-{name}")
    assert file.read_bytes() == (state / "snapshots" / name).read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert hashlib.sha256(file.read_bytes()).hexdigest() in shown.err
    assert list(Path().iterdir()) == [file]


def test_a_dead_control_plane_does_not_matter(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(state, HOUR)
    assert fleet("fetch", "half", "-O", "half.db") == 0
    assert Path("half.db").exists()
    assert "fleet: half-control-plane-0:" in capfd.readouterr().err


def test_a_corrupt_one_is_refused_for_the_one_before_it(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = keep(state, 26 * HOUR)
    bad = keep(state, HOUR)
    damage(state, bad)
    assert fleet("fetch", "one") == 0
    shown = capfd.readouterr()
    assert shown.out.strip() == f"one-{good}"
    assert f"{bad}: corrupt: its content does not match" in shown.err
    assert [file.name for file in Path().iterdir()] == [f"one-{good}"]


def test_an_interrupted_copy_is_resumed(
    fleet: Fleet, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = keep(state, HOUR, PAGES * 20)

    with monkeypatch.context() as interrupted:
        interrupted.setattr(os, "fsync", interrupt_after_half(Path()))
        assert fleet("fetch", "one", "-O", "one.db") == 130
    (part,) = Path().iterdir()
    assert part.name.endswith(".part") and part.stat().st_mode & 0o777 == 0o600
    half = part.stat().st_size
    received: list[int] = []
    monkeypatch.setattr(snapshots, "CHUNK", 4096)
    real = sudo.open_as_root

    def counting(*arguments: Any) -> Any:
        received.append(part.stat().st_size)
        return real(*arguments)

    monkeypatch.setattr(snapshots, "open_as_root", counting)
    assert fleet("fetch", "one", "-O", "one.db") == 0
    assert received == [half]
    assert Path("one.db").read_bytes() == (state / "snapshots" / name).read_bytes()
    assert [file.name for file in Path().iterdir()] == ["one.db"]


def interrupt_after_half(folder: Path) -> Callable[[int], None]:
    """Stands for a copy that was killed when half of it had arrived."""

    def interrupt(descriptor: int) -> None:
        (part,) = folder.iterdir()
        os.truncate(descriptor, part.stat().st_size // 2)
        raise KeyboardInterrupt

    return interrupt


def test_a_file_of_this_name_is_kept(fleet: Fleet, state: Path) -> None:
    name = keep(state, HOUR)
    Path("mine.db").write_text("mine")
    Path(f"one-{name}").write_text("mine")
    for arguments in (("-O", "mine.db"), ()):
        with pytest.raises(OperatorError, match=r"exists.*: remove it, or name another file"):
            fleet("fetch", "one", *arguments)
    assert {file.read_text() for file in Path().iterdir()} == {"mine"}


def test_a_snapshot_can_be_taken_before(
    fleet: Fleet, state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    keep(state, 26 * HOUR)
    write(state / "next", PAGES + PAGES)
    assert fleet("fetch", "half", "--now", "-O", "now.db") == 0
    assert Path("now.db").read_bytes() == (state / "next").read_bytes()


def test_a_cluster_without_any_says_what_to_do(fleet: Fleet) -> None:
    with pytest.raises(OperatorError, match="`fleet backup fetch one --now` takes one"):
        fleet("fetch", "one")
