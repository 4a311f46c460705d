"""Folders for a test's machines on this host, unique to a run.

Whatever a run that was killed left behind is removed by the next one.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

from model import paths
from model.files import locked, try_lock
from ops.nspawn import lifecycle, network
from ops.nspawn.spec import MachineSpec


@contextmanager
def workshop() -> Iterator[Path]:
    """Give an empty folder beside the machine images, so that machines can share their files."""
    base = paths.cache_dir() / "tests"
    base.mkdir(parents=True, exist_ok=True)
    with ExitStack() as ours:
        with locked(base):
            for folder in base.iterdir():
                _clear_if_abandoned(folder)
            folder = Path(tempfile.mkdtemp(dir=base))
            ours.enter_context(locked(folder))
        yield folder
        shutil.rmtree(folder)


def _clear_if_abandoned(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not try_lock(descriptor):
            return
    finally:
        os.close(descriptor)
    for pattern in ("*/*/spec.json", "machines/*/*/spec.json"):
        # A list: the last machine takes what they share with it.
        for file in [*folder.glob(pattern)]:
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
