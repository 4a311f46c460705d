"""scripts/node/kubelet_version.sh: the program is asked once, for as long as it is the same."""

import os
from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

OLD, NEW = "v1.36.3", "v1.37.2"


class Kubelet:
    """A program on a disk that says a version, and counts how often it was asked."""

    def __init__(self, disk: Disk, version: str = OLD) -> None:
        self.disk = disk
        self.path = disk.folder / "usr/local/bin/kubelet"
        self.path.parent.mkdir(parents=True)
        self.put(self.path, version)

    def put(self, path: Path, version: str) -> None:
        path.write_text(
            f"#!/bin/sh\necho asked >>{self.disk.folder}/asked\necho Kubernetes {version}\n"
        )
        path.chmod(0o755)

    def version(self) -> str:
        """What the machine says."""
        call = f"set -Eeuo pipefail; PATH={self.path.parent}:$PATH; kubelet_version"
        ran = self.disk.run(call, "kubelet_version")
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    @property
    def asked(self) -> int:
        record = self.disk.folder / "asked"
        return len(record.read_text().splitlines()) if record.exists() else 0


@pytest.fixture
def kubelet(disk: Disk) -> Kubelet:
    return Kubelet(disk)


def test_it_is_asked_once(kubelet: Kubelet) -> None:
    assert [kubelet.version() for _ in range(3)] == [OLD] * 3
    assert kubelet.asked == 1
    assert not list((kubelet.disk.folder / "run").glob("*.*"))


def test_another_file_of_the_same_size_and_time_is_asked(kubelet: Kubelet) -> None:
    kubelet.version()
    before = kubelet.path.stat()
    other = kubelet.path.with_name("new")
    kubelet.put(other, NEW)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.rename(kubelet.path)
    after = kubelet.path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert kubelet.version() == NEW


def test_a_file_that_is_written_in_place_is_asked(kubelet: Kubelet) -> None:
    """Its time may be set back; that of its last change of any kind cannot."""
    kubelet.version()
    before = kubelet.path.stat()
    kubelet.put(kubelet.path, NEW)
    os.utime(kubelet.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = kubelet.path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (
        before.st_ino,
        before.st_size,
        before.st_mtime_ns,
    )
    assert kubelet.version() == NEW


def test_one_that_is_replaced_while_it_is_asked_is_asked_again(kubelet: Kubelet) -> None:
    text = kubelet.path.read_text()
    kubelet.path.write_text(f"{text}touch {kubelet.path}\n")
    assert kubelet.version() == OLD
    kubelet.put(kubelet.path, NEW)
    assert kubelet.version() == NEW


@pytest.mark.parametrize("record", ["", "\n", "1 2 3", "\tv9.9.9\n"])
def test_a_damaged_record_says_nothing(kubelet: Kubelet, record: str) -> None:
    kubelet.version()
    (file,) = (kubelet.disk.folder / "run").iterdir()
    file.write_text(record)
    assert kubelet.version() == OLD


def test_what_does_not_say_its_version_is_asked_each_time(kubelet: Kubelet) -> None:
    kubelet.path.write_text("#!/bin/sh\nexit 1\n")
    assert kubelet.version() == ""
    kubelet.put(kubelet.path, NEW)
    assert kubelet.version() == NEW


def test_without_a_kubelet_there_is_no_version(kubelet: Kubelet) -> None:
    kubelet.version()
    kubelet.path.unlink()
    assert kubelet.version() == ""
