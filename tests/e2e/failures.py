"""Failures of machines: power loss and loss of the disk."""

import os
import shutil
import subprocess
from pathlib import Path
from unittest import mock

from ops.nspawn import disk, process
from ops.nspawn.spec import MachineSpec


def lose(machines: Path, cluster: str, name: str) -> None:
    """Kill a machine without notice (its network goes first), and delete its disk."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machines)):
        lost = MachineSpec.read(machines / cluster / name)
        assert lost
        subprocess.run(["ip", "link", "set", lost.link, "down"], check=True)
        process.stop(lost, disk.root(lost))
        disk.unmount(lost)
        shutil.rmtree(lost.folder)
