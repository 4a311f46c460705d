"""What can happen to a machine: it is gone, and so is its disk."""

import shutil
import subprocess
from pathlib import Path

from components.resources.nspawn import disk, process
from components.resources.nspawn.spec import MachineSpec


def spec(machines: Path, cluster: str, name: str) -> MachineSpec:
    """The machine as it is on this host."""
    found = MachineSpec.read(machines / cluster / name)
    assert found
    return found


def lose(machines: Path, cluster: str, name: str) -> None:
    """End a machine without a word to anybody (its cable goes first), and take its disk away."""
    lost = spec(machines, cluster, name)
    subprocess.run(["ip", "link", "set", lost.link, "down"], check=True)
    process.stop(lost, disk.root(lost))
    disk.unmount(lost)
    shutil.rmtree(machines / cluster / name)
