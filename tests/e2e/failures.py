"""Failures of machines: power loss and loss of the disk."""

import os
import shutil
import subprocess
from pathlib import Path
from unittest import mock

from ops.nspawn import disk, process
from ops.nspawn.spec import MachineSpec


def lose(machines: Path, cluster: str, name: str) -> None:
    """End a machine without a word to anybody (its cable goes first), and take its disk away."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machines)):
        lost = MachineSpec.read(machines / cluster / name)
        assert lost
        subprocess.run(["ip", "link", "set", lost.link, "down"], check=True)
        process.stop(lost, disk.root(lost))
        disk.unmount(lost)
        shutil.rmtree(lost.folder)
