"""Room for a test's machines on this host: a folder that no other run has.

Whatever a run that was killed left behind is removed by the next one.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from model import paths
from ops.nspawn import lifecycle, network
from ops.nspawn.spec import MachineSpec


@contextmanager
def workshop() -> Iterator[Path]:
    """Give an empty folder beside the machine images, so that machines can share their files."""
    base = paths.cache_dir() / "tests"
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base):
        for folder in base.iterdir():
            _clear_if_abandoned(folder)
        folder = Path(tempfile.mkdtemp(dir=base))
        ours = os.open(folder, os.O_RDONLY)
        fcntl.flock(ours, fcntl.LOCK_EX)
    try:
        yield folder
        shutil.rmtree(folder)
    finally:
        os.close(ours)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear_if_abandoned(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)
    for pattern in ("*/*/spec.json", "machines/*/*/spec.json"):
        for file in folder.glob(pattern):
            _purge(file.parent)
    for place in reversed(_mounts_below(folder)):
        subprocess.run(["umount", place], check=True)
    shutil.rmtree(folder)


def _purge(machine: Path) -> None:
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machine.parents[1])):
        spec = MachineSpec.read(machine)
        assert spec is not None
        lifecycle.purge(spec)
        network.remove_bridge(spec.bridge)


def _mounts_below(folder: Path) -> list[str]:
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [place for place in places if place.startswith(f"{folder}/")]
