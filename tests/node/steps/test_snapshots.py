"""scripts/node/snapshots.sh: daily snapshots of etcd, with stand-ins for etcd's programs."""

import hashlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

CONTENT = b"what etcd holds ".ljust(1024)
INTACT = CONTENT + hashlib.sha256(CONTENT).digest()
HOUR = 3600
STAND_INS = """
set -Eeuo pipefail
etcd_tools() { echo "$STATE/tools"; }
"""
ETCDCTL = """#!/bin/bash
echo "$*" >>"${0%/*}/calls"
cat "${0%/*}/content" >"${@: -1}.part"
mv "${@: -1}.part" "${@: -1}"
"""
ETCDUTL = """#!/bin/bash
echo "$*" >>"${0%/*}/calls"
[[ ! -e ${0%/*}/broken ]] || { echo "snapshot file integrity check failed" >&2; exit 1; }
"""


@pytest.fixture
def etcd(disk: Disk) -> Disk:
    """A member with a running etcd, whose snapshot is INTACT."""
    disk.join()
    os.utime(disk.state / "member", (0, 0))
    tools = disk.state / "tools"
    tools.mkdir()
    for name, text in {"etcdctl": ETCDCTL, "etcdutl": ETCDUTL}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    (tools / "content").write_bytes(INTACT)
    data = disk.folder / "var/lib/etcd/member/snap"
    data.mkdir(parents=True)
    (data / "db").write_bytes(CONTENT)
    return disk


def run(disk: Disk, call: str) -> "subprocess.CompletedProcess[str]":
    return disk.run(f"{STAND_INS}{call}", "snapshots")


def folder(disk: Disk) -> Path:
    return disk.state / "snapshots"


def names(disk: Disk) -> list[str]:
    return sorted(path.name for path in folder(disk).iterdir() if path.name != "lock")


def former(disk: Disk, name: str, hours: float = 48) -> Path:
    """A snapshot that was taken some hours ago."""
    path = folder(disk) / f"{name}.db"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(INTACT)
    os.utime(path, (time.time() - hours * HOUR,) * 2)
    return path


def test_a_snapshot_is_for_root_alone_and_named_by_its_time(etcd: Disk) -> None:
    ran = run(etcd, "take_snapshot")
    assert ran.returncode == 0, ran.stderr
    (name,) = names(etcd)
    assert time.strptime(name, "%Y%m%dT%H%M%SZ.db")
    assert (folder(etcd) / name).read_bytes() == INTACT
    assert (folder(etcd) / name).stat().st_mode & 0o777 == 0o600
    assert folder(etcd).stat().st_mode & 0o777 == 0o700
    saved, checked = (etcd.state / "tools/calls").read_text().splitlines()
    assert "--endpoints https://127.0.0.1:2379" in saved
    assert checked.startswith("snapshot status ")


@pytest.mark.parametrize(
    "content",
    [INTACT[:-1], INTACT[:-32], b"other" + INTACT[5:], b"", INTACT + b"\0" * 512],
    ids=["cut", "without", "changed", "empty", "longer"],
)
def test_a_snapshot_without_its_own_checksum_is_not_kept(etcd: Disk, content: bytes) -> None:
    before = former(etcd, "1")
    (etcd.state / "tools/content").write_bytes(content)
    ran = run(etcd, "take_snapshot")
    assert ran.returncode == 1
    assert "does not have its own checksum" in ran.stderr
    assert sorted(folder(etcd).glob("*.db")) == [before]


def test_a_snapshot_that_etcd_finds_damaged_is_not_kept(etcd: Disk) -> None:
    (etcd.state / "tools/broken").touch()
    ran = run(etcd, "take_snapshot")
    assert ran.returncode == 1
    assert "integrity check failed" in ran.stderr
    assert names(etcd) == []
    (etcd.state / "tools/broken").unlink()
    for left in ("new", "new.part"):
        (folder(etcd) / left).write_text("of a run that was killed")
    assert run(etcd, "take_snapshot").returncode == 0
    assert len(names(etcd)) == 1, "the next one replaces what was left"


def test_a_snapshot_that_fills_the_disk_is_not_left_there(etcd: Disk) -> None:
    full = """#!/bin/bash
    echo part >"${@: -1}.part"
    echo "no space left on device" >&2
    exit 1
    """
    (etcd.state / "tools/etcdctl").write_text(full)
    ran = run(etcd, "take_snapshot")
    assert (ran.returncode, names(etcd)) == (1, [])
    assert "no space left on device" in ran.stderr


def test_two_snapshots_are_taken_one_after_the_other(etcd: Disk) -> None:
    """Of the timer and of a person: both would write the same file."""
    slow = ETCDCTL.replace(
        "echo", '[[ ! -e ${@: -1} ]] || exit 1; sleep 0.3; echo "$(date +%s.%N)"'
    )
    (etcd.state / "tools/etcdctl").write_text(slow)
    ran = run(etcd, "take_snapshot & take_snapshot && wait $!")
    assert ran.returncode == 0, ran.stderr
    calls = (etcd.state / "tools/calls").read_text().splitlines()
    assert [line.split()[1] for line in calls] == ["--endpoints", "status"] * 2


def test_a_snapshot_that_never_ends_is_reported(etcd: Disk) -> None:
    folder(etcd).mkdir()
    held = 'exec 7<"$SNAPSHOTS"; flock 7; SNAPSHOT_WAIT_SECONDS=0;'
    ran = run(etcd, f"{held} take_snapshot")
    assert ran.returncode == 1
    assert "waiting for another snapshot of etcd" in ran.stderr


def test_the_last_seven_are_kept(etcd: Disk) -> None:
    for number in range(9):
        former(etcd, f"2026010{number}T000000Z")
    assert run(etcd, "take_snapshot").returncode == 0
    kept = names(etcd)
    assert kept[:6] == [f"2026010{number}T000000Z.db" for number in range(3, 9)]
    assert len(kept) == 7


@pytest.mark.parametrize(
    "hours, due", [(1, False), (20, False), (22, True), (30, True), (-5, True)]
)
def test_it_is_due_once_a_day_and_after_a_wrong_clock(etcd: Disk, hours: float, due: bool) -> None:
    former(etcd, "1", hours)
    assert (run(etcd, f"is_snapshot_due {3 * HOUR}").returncode == 0) == due


def test_snapshots_of_a_clock_that_was_wrong_are_the_oldest(etcd: Disk) -> None:
    for number in range(7):
        former(etcd, f"2099010{number}T000000Z", -1000 * HOUR)
    assert run(etcd, "take_snapshot").returncode == 0
    new, *wrong = names(etcd)
    assert new < "2099"
    assert wrong == [f"2099010{number}T000000Z.db" for number in range(1, 7)]
    assert run(etcd, "newest_snapshot").stdout == f"{new}\n"
    assert run(etcd, "is_snapshot_due 0").returncode == 1


def test_a_machine_that_joined_while_its_clock_was_wrong_takes_one_a_day(etcd: Disk) -> None:
    os.utime(etcd.state / "member", (time.time() + 1000 * HOUR,) * 2)
    former(etcd, "1", 1)
    assert run(etcd, "is_snapshot_due 0").returncode == 1
    former(etcd, "1", 25)
    assert run(etcd, "is_snapshot_due 0").returncode == 0


def test_the_first_one_of_a_membership_is_due(etcd: Disk) -> None:
    assert run(etcd, "is_snapshot_due 0").returncode == 0
    former(etcd, "1", 1)
    assert run(etcd, "is_snapshot_due 0").returncode == 1
    os.utime(etcd.state / "member")
    assert run(etcd, "is_snapshot_due 0").returncode == 0, "the former one is of another cluster"


def test_former_ones_are_given_up_for_space_but_not_the_newest(etcd: Disk) -> None:
    for number in range(4):
        former(etcd, f"2026010{number}T000000Z")
    full = """
    df() {
      local files=("$SNAPSHOTS"/*.db)
      echo "Avail Size"
      echo "$((FREE - 1000 * ${#files[@]})) 10000"
    }
    """
    # A fifth of the disk stays free: 2000, and 1024 for the snapshot.
    ran = run(etcd, f"FREE=5500\n{full}\ntake_snapshot")
    assert ran.returncode == 0, ran.stderr
    assert names(etcd)[:2] == ["20260102T000000Z.db", "20260103T000000Z.db"]
    assert len(names(etcd)) == 3

    ran = run(etcd, f"FREE=3000\n{full}\ntake_snapshot")
    assert ran.returncode == 1
    assert "not enough space for a snapshot of etcd" in ran.stderr
    assert len(names(etcd)) == 1


def test_without_etcd_there_is_a_reason(etcd: Disk) -> None:
    ran = etcd.run("set -Eeuo pipefail; take_snapshot", "snapshots")
    assert ran.returncode == 1
    assert "etcd is not running" in ran.stderr
