"""Failures of creating machines, and their leftovers."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model import paths
from ops.errors import OperatorError
from ops.nspawn.runtime import Runtime
from tests.ops.nspawn.fleet import MACHINES, NETWORKS, Outs, TestFleet
from tests.waiting import await_true

pytestmark = pytest.mark.root

# A run of the program that dies as soon as its machine begins to boot.
KILLED = """
import os, signal
from ops.nspawn import process
process._await_ssh = lambda *_: os.killpg(0, signal.SIGKILL)
"""
# A run of the program that succeeds, and whose process group ends with it.
FINISHED = """
import os, signal
"""
RUN = """
from components.providers.container_machine import ContainerMachineProvider
ContainerMachineProvider().create({inputs!r})
os.killpg(0, signal.SIGKILL)
"""


def test_a_broken_image_is_reported_with_the_console_and_leaves_nothing(
    image: Path, fleet: TestFleet, network: Outs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An image without an init cannot boot."""
    (tmp_path / "bundles").symlink_to(paths.cache_dir() / "bundles")
    broken = tmp_path / "images" / image.name
    (broken / "root" / "etc").mkdir(parents=True)
    shutil.copy("/etc/os-release", broken / "root" / "etc")
    (broken / "containerd" / "worker").mkdir(parents=True)
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    with pytest.raises(OperatorError, match=r"(?s)cluster1-worker-0: .*console output:\n.+"):
        fleet.make(network)
    assert set(fleet.left()) == {"links"}  # the bridge


def test_a_missing_image_error_names_the_command(
    fleet: TestFleet, network: Outs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bundles").symlink_to(paths.cache_dir() / "bundles")
    monkeypatch.setenv("KUBEADM_FLEET_CACHE", str(tmp_path))
    with pytest.raises(
        OperatorError, match=r"no machine image for Kubernetes v1\.36\.3 .*make image"
    ):
        fleet.make(network)


def test_an_address_in_use_is_rejected_and_leaves_nothing(fleet: TestFleet, network: Outs) -> None:
    first = fleet.make(network)
    before = {**fleet.left(), "processes": None}
    with pytest.raises(OperatorError, match=r"the address 10\.88\..*\.11 is cluster1-worker-0's"):
        fleet.make(network, 1, address=first["address"])
    assert {**fleet.left(), "processes": None} == before
    assert fleet.run(first, "hostname").strip() == "cluster1-worker-0"


def test_a_machine_without_a_bridge_leaves_nothing(fleet: TestFleet) -> None:
    with pytest.raises(OperatorError, match="the bridge kfmissing is missing"):
        fleet.make({"bridge": "kfmissing", "gateway": f"{fleet.prefix}.1"})
    assert fleet.left() == {}


def test_a_machine_of_another_fleet_is_not_touched(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    with pytest.raises(OperatorError, match="is a machine of another fleet"):
        fleet.make(network, owner="another fleet")
    assert not MACHINES.diff("", machine, fleet.inputs(network)).changes
    NETWORKS.delete("", {**network, "owner": "another fleet", "bridge": "kfnone"})
    assert fleet.run(machine, "hostname").strip() == machine["hostname"]


def test_a_killed_create_is_repaired_by_the_next(fleet: TestFleet, network: Outs) -> None:
    _run_apart(KILLED + RUN.format(inputs=fleet.inputs(network)))
    assert {"processes", "mounts", "namespaces"} <= set(fleet.left())
    machine = fleet.make(network)
    assert fleet.run(machine, "hostname").strip() == machine["hostname"]


def test_leftovers_of_a_killed_create_are_removed_with_the_network(fleet: TestFleet) -> None:
    network = fleet.make_network()
    _run_apart(KILLED + RUN.format(inputs=fleet.inputs(network)))
    (fleet.machines_dir / fleet.cluster / "begun").mkdir()
    NETWORKS.delete("", network)
    assert fleet.left() == {}


def test_a_stopped_machine_leaves_no_zombie_process(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    stat = Path(f"/proc/{fleet.leader(machine)}/stat").read_text()
    supervisor = int(stat.rpartition(")")[2].split()[1])
    MACHINES.delete("", machine)
    await_true(lambda: not Path(f"/proc/{supervisor}").exists(), "nspawn to be gone")


def test_a_machine_outlives_the_program(fleet: TestFleet, network: Outs) -> None:
    _run_apart(FINISHED + RUN.format(inputs=fleet.inputs(network)))
    (folder,) = fleet.machines_dir.glob("*/*/spec.json")
    runtime = Runtime.read(fleet.spec({"cluster": fleet.cluster, "hostname": folder.parent.name}))
    assert runtime is not None
    assert runtime.alive


def _run_apart(program: str) -> None:
    """Run a program in a process group of its own, which it kills in the end."""
    ended = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(paths.__file__).parents[1],
        env=dict(os.environ),
        start_new_session=True,
    )
    await_true(lambda: ended.poll() is not None, "the program to end", seconds=90)
    assert ended.returncode == -signal.SIGKILL
