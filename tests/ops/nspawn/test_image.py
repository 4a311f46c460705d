"""The machine image: its content, and the cost of a second call."""

import hashlib
import json
import resource
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from model import paths
from model.artifacts.bundle import Bundle
from tests.ops.nspawn.image_maker import (
    COMMAND,
    SUPPLEMENTS,
    TOP,
    VERSION,
    environment,
    make_image,
)
from tests.waiting import await_true

pytestmark = pytest.mark.root


def test_machines_share_no_identity(image: Path) -> None:
    root = image / "root"
    assert (root / "etc/machine-id").read_text() == ""
    assert list((root / "etc/ssh").glob("ssh_host_*")) == []
    assert list((root / "root").rglob("authorized_keys")) == []
    assert (
        "PasswordAuthentication no"
        in (root / "etc/ssh/sshd_config.d/kubeadm-fleet.conf").read_text().splitlines()
    )
    passwords = [line.split(":")[1] for line in (root / "etc/shadow").read_text().splitlines()]
    assert set(passwords) <= {"*", "!", "!*"}


def test_the_image_contains_the_bundle(image: Path) -> None:
    bundle = Bundle.of(VERSION, supplements=SUPPLEMENTS)
    binaries = [each for each in bundle.artifacts if each.install and each.roles != ("operator",)]
    assert binaries
    for each in binaries:
        assert each.install
        file = image / "root" / each.install.lstrip("/")
        assert hashlib.sha256(file.read_bytes()).hexdigest() == each.sha256
        assert file.stat().st_mode & 0o777 == 0o755
    assert json.loads((image / "image.json").read_text())["bundle"] == bundle.digest
    installed = (image / "root/var/lib/kubeadm-fleet/installed").read_text().strip()
    assert installed == bundle.kubernetes_version


def test_a_second_call_is_fast_and_changes_nothing(image: Path) -> None:
    before = image.stat().st_mtime_ns
    began = _seconds_of_children()
    printed = make_image()
    assert _seconds_of_children() - began < 1
    assert printed == f"machine image {image.name} is ready\n"
    assert image.stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_killed_run_leaves_no_process_and_the_next_one_finishes(image: Path) -> None:
    with tempfile.TemporaryDirectory(dir=paths.cache_dir()) as folder:
        cache = Path(folder)
        (cache / "images").mkdir()
        (cache / "bundles").symlink_to(paths.cache_dir() / "bundles")
        for base in (paths.cache_dir() / "images").glob("base-*"):
            (cache / "images" / base.name).symlink_to(base)
        log = cache / "log"
        with log.open("wb") as stream:
            first = subprocess.Popen(COMMAND, cwd=TOP, env=environment(cache), stdout=stream)
        await_true(lambda: "images for workers ..." in log.read_text(), "the import", seconds=60)
        await_true(lambda: _running_below(folder) != [], "containerd to run")
        first.kill()
        first.wait()
        await_true(lambda: _running_below(folder) == [], "containerd to end")
        printed = make_image(cache)
        assert printed.endswith(f"machine image {image.name} is ready\n")
        assert "containerd/control-plane: " in printed
        assert folder not in Path("/proc/self/mountinfo").read_text()


def _running_below(folder: str) -> list[int]:
    """Processes that have a file below the folder open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(each.readlink()).startswith(folder) for each in process.glob("fd/*")):
                found.append(int(process.name))
    return found


def test_a_missing_bundle_error_names_the_command(tmp_path: Path) -> None:
    finished = subprocess.run(
        COMMAND, cwd=TOP, env=environment(tmp_path), capture_output=True, text=True
    )
    assert finished.returncode == 1
    assert "run `make bundle`" in finished.stderr
    assert "Traceback" not in finished.stderr


def _seconds_of_children() -> float:
    """Processor time, which a busy host does not lengthen."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
