"""Snapshots of etcd as a user takes them, and where a container machine's files are."""

import os
import shutil
from pathlib import Path
from unittest import mock

from ops.kube import etcd
from ops.nspawn import disk
from ops.nspawn.spec import MachineSpec
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import PulumiStack


def save(fleet: PulumiStack, kubectl: Kubectl, cluster: str, machine: str, snapshot: Path) -> None:
    """Take a snapshot with etcdctl in etcd's pod, into its data folder, and copy it."""
    there = Path("/var/lib/etcd/saved.db")
    client = [word for word in etcd.ETCDCTL if not word.startswith("--write-out")]
    pod = ("--namespace", "kube-system", "exec", f"etcd-{machine}", "--")
    kubectl(*pod, *client, "snapshot", "save", str(there))
    shutil.copyfile(root_of(fleet, cluster, machine) / there.relative_to("/"), snapshot)


def root_of(fleet: PulumiStack, cluster: str, machine: str) -> Path:
    """Return the machine's file system."""
    with mock.patch.dict(os.environ, KUBEADM_FLEET_MACHINES=str(fleet.machines)):
        spec = MachineSpec.read(fleet.machines / cluster / machine)
        assert spec
        return disk.root(spec)
