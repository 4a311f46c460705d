"""Restoring a snapshot, in a folder that represents the machine's disk."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from model.render.node_scripts import read

CONTENT = b"what etcd held"
SUM = hashlib.sha256(CONTENT).hexdigest()
STUBS = """
own_etcd_data() { mkdir -p "$ETCD_DATA"; chmod 0700 "$ETCD_DATA"; }
die() { echo "$1" >&2; exit 1; }
lib_begin() { set -Eeuo pipefail; }
say() { :; }
logged() { shift; "$@"; }
etcdutl() {
  mkdir -p "$ETCD_DATA/restoring/member/snap"
  cp "$3" "$ETCD_DATA/restoring/member/snap/db"
}
type() { echo etcdutl; }
init_documents() { echo documents; }
"""


class Disk:
    """The folders of a machine, and calls of the script's functions on them."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.data = folder / "etcd"
        self.state.mkdir()

    @property
    def file(self) -> Path:
        return self.state / "snapshot.db"

    def run(self, call: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        text = f"ETCD_DATA={self.data}\n{read('restore')}"
        settings = f"STATE={self.state}\nSNAPSHOT={SUM}\nSNAPSHOT_BYTES={len(CONTENT)}\n"
        node = "NODE_NAME=node\nNODE_ADDRESS=192.0.2.1\nMACHINE_ID=any\n"
        program = f"set -Eeuo pipefail\n{settings}{node}{text}{STUBS}{call}"
        return subprocess.run(["bash", "-c", program], input=stdin, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


def test_a_snapshot_is_received_for_root_alone(disk: Disk) -> None:
    assert disk.run("receive_snapshot", CONTENT).returncode == 0
    assert disk.file.read_bytes() == CONTENT
    assert disk.file.stat().st_mode & 0o777 == 0o600
    assert disk.data.stat().st_mode & 0o777 == 0o700


def test_a_file_with_another_checksum_is_rejected(disk: Disk) -> None:
    finished = disk.run("receive_snapshot", CONTENT[:-1])
    assert finished.returncode == 1
    assert b"corrupted in transit" in finished.stderr
    assert not disk.file.exists()


def test_a_snapshot_that_is_too_large_is_rejected(disk: Disk) -> None:
    finished = disk.run(f"SNAPSHOT_BYTES={10**15}; receive_snapshot", CONTENT)
    assert b"not enough space" in finished.stderr


def test_restored_data_replaces_existing_data(disk: Disk) -> None:
    disk.run("receive_snapshot", CONTENT)
    for remains in ("member/snap", "restoring/member"):
        (disk.data / remains).mkdir(parents=True)
        (disk.data / remains / "db").write_text("remains")
    folder = disk.data.stat().st_ino
    assert disk.run("is_restored").returncode == 1
    assert disk.run("restore; is_restored").returncode == 0
    assert disk.data.stat().st_ino == folder, "a disk of its own cannot be replaced"
    assert (disk.data / "member/snap/db").read_bytes() == CONTENT
    assert [each.name for each in disk.data.iterdir()] == ["member"]


def test_the_etcdutl_of_the_image_is_used_if_none_is_installed(disk: Disk) -> None:
    program = """
    type() { return 1; }
    kubeadm() {
      [[ $3 == pull ]] || { grep -q documents "$5" && echo registry.example.com/etcd:3.6.8-0; }
    }
    ctr() {
      [[ $3-$4 == images-mount ]] || return 0
      mkdir -p "$6/usr/local/bin"
      echo "$5" >"$6/usr/local/bin/etcdutl"
    }
    """
    finished = disk.run(f"{program}\nRUN={disk.state}; cat $(restoring_program)")
    assert finished.stdout == b"registry.example.com/etcd:3.6.8-0\n", finished.stderr


def test_a_missing_snapshot_deletes_no_data(disk: Disk) -> None:
    (disk.data / "member").mkdir(parents=True)
    finished = disk.run("restore")
    assert finished.returncode == 1
    assert b"missing on this machine" in finished.stderr
    assert (disk.data / "member").exists()


def test_without_a_restore_existing_data_is_kept(disk: Disk) -> None:
    assert disk.run("SNAPSHOT=; is_restored").returncode == 0
    assert disk.run("unset SNAPSHOT; is_restored").returncode == 0
