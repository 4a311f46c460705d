"""Failures of machines: power loss and loss of the disk."""

import os
import shutil
import subprocess
from pathlib import Path
from unittest import mock

from ops.nspawn import disk, lifecycle, network, process
from ops.nspawn.spec import MachineSpec


def lose(machines: Path, cluster: str, name: str) -> None:
    """Kill a machine without notice (its link goes first); nothing of it is left on this host."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machines)):
        lost = MachineSpec.read(machines / cluster / name)
        assert lost
        subprocess.run(["ip", "link", "set", lost.link, "down"], check=True)
        process.stop(lost, disk.root(lost))
        network.unplug(lost)
        disk.unmount(lost)
        shutil.rmtree(lost.folder)


def cut_power(machines: Path, machine: MachineSpec) -> None:
    """Kill a machine without notice; its disk keeps what was written, synced or not."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machines)):
        subprocess.run(["ip", "link", "set", machine.link, "down"], check=True)
        process.stop(machine, disk.root(machine))


def restore_power(machines: Path, machine: MachineSpec) -> None:
    """Boot a machine again, as a server does by itself."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(machines)):
        lifecycle.start(machine)
