"""A container machine from create to delete, on this host."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import paramiko
import pytest

from model.artifacts.bundle import Bundle
from model.render.node_paths import ARTIFACTS
from ops.hosts import content
from ops.nspawn.cgroup import Cgroups
from ops.nspawn.runtime import Runtime
from tests.ops.nspawn.fleet import MACHINES, MIB, NETWORKS, Outs, TestFleet, outs
from tests.ops.nspawn.image_maker import SUPPLEMENTS, VERSION
from tests.waiting import await_true

pytestmark = pytest.mark.root


def test_machines_are_reached_with_their_pinned_keys_and_reach_each_other(
    fleet: TestFleet, network: Outs
) -> None:
    first, second = fleet.make(network, 0, "control-plane"), fleet.make(network, 1)
    assert first["machine_id"] != second["machine_id"]
    assert first["host_key"] != second["host_key"]
    for here, there in ((first, second), (second, first)):
        assert fleet.run(here, "hostname").strip() == here["hostname"]
        assert fleet.run(here, "cat /etc/machine-id").strip() == here["machine_id"]
        assert here["hostname"] in fleet.run(here, f"getent hosts {here['hostname']}")
        fleet.run(here, f"ping -c 1 -W 5 {there['address'].partition('/')[0]}")
    with pytest.raises(paramiko.BadHostKeyException):
        fleet.run({**first, "host_key": second["host_key"]}, "true")
    assert "PRIVATE" not in str(first)
    assert fleet.folder(first).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_containerd_has_the_images_of_the_role_and_runs_them(
    fleet: TestFleet, network: Outs, role: str
) -> None:
    machine = fleet.make(network, 0, role)
    bundle = Bundle.of(VERSION, supplements=SUPPLEMENTS)
    await_true(
        lambda: fleet.run(machine, "systemctl is-active containerd || true") == "active\n",
        "containerd to run",
    )
    have = set(fleet.run(machine, "ctr -n k8s.io images list -q").split())
    wanted = {each.image for each in bundle.for_role(role) if each.kind == "image"}
    assert {name for name in have if not name.startswith("sha256:")} == wanted
    flannel = bundle.named("flannel").image
    ran = fleet.run(machine, f"ctr -n k8s.io run --rm {flannel} test busybox echo it runs")
    assert ran.strip() == "it runs"
    state = "/var/lib/kubeadm-fleet"
    assert fleet.run(machine, f"cat {state}/installed").strip() == bundle.kubernetes_version
    own_files = "\t".join((content.put(""), "files", "managed", "-")) + "\n"
    assert fleet.run(machine, f"cat {state}/artifacts/index") == bundle.index(role) + own_files


def test_limits_hold_and_change_while_the_machine_runs(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    assert _limits(fleet, machine) == (1.5, 512 * MIB)
    leader = fleet.leader(machine)
    wanted = fleet.inputs(network, cpus=0.5, memory=768 * MIB)
    diff = MACHINES.diff("", machine, wanted)
    assert (diff.changes, diff.replaces) == (True, [])
    changed = outs(MACHINES.update("", machine, wanted))
    assert set(changed) == set(machine)
    assert _limits(fleet, machine) == (0.5, 768 * MIB)
    assert fleet.leader(machine) == leader
    assert not MACHINES.diff("", changed, wanted).changes


def test_a_machine_cannot_change_the_hosts_kernel_settings(fleet: TestFleet, network: Outs) -> None:
    ours = {name: Path("/proc/sys", name).read_text() for name in SETTINGS}
    machine = fleet.make(network)
    for name, value in SETTINGS.items():
        assert fleet.run(machine, f"cat /proc/sys/{name}").strip() == value
        fleet.run(machine, f"echo 7 > /proc/sys/{name} || true")
    assert {name: Path("/proc/sys", name).read_text() for name in SETTINGS} == ours
    assert fleet.run(machine, "cat /proc/sys/net/ipv4/ip_forward").strip() == "1"


# What the kubelet wants (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables).
SETTINGS = {"vm/overcommit_memory": "1", "kernel/panic": "10", "kernel/panic_on_oops": "1"}


def test_a_stopped_machine_is_started_again_with_its_disk(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    fleet.run(machine, "echo kept > /root/file; echo kept > /var/lib/containerd/file; sync")
    os.kill(fleet.leader(machine), signal.SIGKILL)
    runtime = Runtime.read(fleet.spec(machine))
    assert runtime is not None
    await_true(lambda: not runtime.alive, "the machine to end")
    assert outs(MACHINES.read("id", machine))["running"] is False
    wanted = fleet.inputs(network)
    diff = MACHINES.diff("", machine, wanted)
    assert (diff.changes, diff.replaces) == (True, [])
    assert outs(MACHINES.update("", machine, wanted)) == machine
    assert fleet.run(machine, "cat /root/file /var/lib/containerd/file").split() == ["kept", "kept"]
    assert outs(MACHINES.read("id", machine))["running"] is True
    assert not MACHINES.diff("", machine, wanted).changes


def test_a_machine_that_reboots_comes_back_by_itself(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    wanted = fleet.inputs(network)
    boots = [_boot(fleet, machine)]
    for _ in range(2):
        fleet.run(machine, "echo kept > /root/file; touch /run/gone; systemctl --no-block reboot")
        await_true(lambda: _boot(fleet, machine) not in ("", boots[-1]), "another boot")
        boots.append(_boot(fleet, machine))
        assert fleet.run(machine, "cat /root/file; ls /run/gone 2>&1 || true").startswith(
            "kept\nls"
        )
        assert outs(MACHINES.read("id", machine))["running"] is True
        assert not MACHINES.diff("", machine, wanted).changes
    assert _limits(fleet, machine) == (1.5, 512 * MIB)
    MACHINES.delete("", machine)
    assert "processes" not in fleet.left()


BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def _boot(fleet: TestFleet, machine: Outs) -> str:
    """The machine's boot, "" while it does not answer."""
    try:
        return fleet.run(machine, BOOT_ID)
    except (OSError, EOFError, paramiko.SSHException, AssertionError):
        return ""


def test_a_machine_is_reconnected_when_its_bridge_is_recreated(
    fleet: TestFleet, network: Outs
) -> None:
    machine = fleet.make(network)
    leader = fleet.leader(machine)
    subprocess.run(["ip", "link", "delete", network["bridge"]], check=True)
    assert NETWORKS.diff("", network, fleet.network_inputs()).changes
    assert NETWORKS.update("", network, fleet.network_inputs()).outs == network
    assert MACHINES.diff("", machine, fleet.inputs(network)).changes
    MACHINES.update("", machine, fleet.inputs(network))
    assert fleet.run(machine, "hostname").strip() == machine["hostname"]
    assert fleet.leader(machine) == leader


def test_another_name_or_address_replaces_a_machine_but_another_version_does_not(
    fleet: TestFleet, network: Outs
) -> None:
    machine = fleet.make(network)
    newer = MACHINES.diff("", machine, fleet.inputs(network, kubernetes_version="v1.37.2"))
    assert (newer.changes, newer.replaces) == (True, [])
    for key, value in {"hostname": "other", "address": f"{fleet.prefix}.99/24"}.items():
        other = MACHINES.diff("", machine, {**fleet.inputs(network), key: value})
        assert other.replaces == [key]
        assert other.delete_before_replace


def test_a_machine_that_lost_its_disk_is_replaced(fleet: TestFleet, network: Outs) -> None:
    machine = fleet.make(network)
    fleet.run(machine, "systemctl stop containerd")  # which would write into what is removed
    root = fleet.folder(machine) / "root"
    subprocess.run(["umount", "--lazy", root], check=True)
    shutil.rmtree(fleet.folder(machine))
    assert MACHINES.read("id", machine).id is None
    assert MACHINES.diff("", machine, fleet.inputs(network)).replaces == ["hostname"]
    assert {"processes", "namespaces", "links", "cgroups"} <= set(fleet.left())
    MACHINES.delete("", machine)
    assert set(fleet.left()) == {"links"}  # the bridge
    again = fleet.make(network)
    assert again["machine_id"] != machine["machine_id"]
    # What was deleted once is deleted twice without harm to its successor.
    MACHINES.delete("", machine)
    assert fleet.run(again, "hostname").strip() == again["hostname"]


def test_delete_leaves_nothing(fleet: TestFleet) -> None:
    network = fleet.make_network()
    machine = fleet.make(network, 0)
    kinds = {"processes", "mounts", "namespaces", "links", "cgroups", "nspawn", "folders"}
    assert kinds <= set(fleet.left())
    MACHINES.delete("", machine)
    NETWORKS.delete("", network)
    assert fleet.left() == {}
    MACHINES.delete("", machine)
    NETWORKS.delete("", network)


def test_a_machine_with_a_killed_supervisor_is_deleted_completely(
    fleet: TestFleet, network: Outs
) -> None:
    machine = fleet.make(network)
    stat = Path(f"/proc/{fleet.leader(machine)}/stat").read_text()
    os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)
    MACHINES.delete("", machine)
    assert set(fleet.left()) == {"links"}  # the bridge


def test_unknown_names_do_not_resolve_and_fail_fast(fleet: TestFleet, network: Outs) -> None:
    """A resolver that is silent would hold up each lookup in the cluster for seconds."""
    machine = fleet.make(network)
    fleet.run(machine, "timeout 2 getent hosts unknown.example.com; test $? = 2")


def _limits(fleet: TestFleet, machine: Outs) -> tuple[float, int]:
    """What the kernel enforces: cores, bytes."""
    cpus = memory = 0.0
    unit = fleet.spec(machine).unit
    for folder in (*Cgroups.find(unit).folders, *Cgroups.find(f"{unit}.service").folders):
        if (folder / "cpu.cfs_quota_us").exists():
            period = int((folder / "cpu.cfs_period_us").read_text())
            cpus = int((folder / "cpu.cfs_quota_us").read_text()) / period
        if (folder / "cpu.max").exists():
            quota, length = (folder / "cpu.max").read_text().split()
            cpus = int(quota) / int(length)
        for name in ("memory.limit_in_bytes", "memory.max"):
            if (folder / name).exists():
                memory = int((folder / name).read_text())
    return cpus, int(memory)


def test_the_table_of_files_is_there_at_boot_and_sent_again_when_it_is_missing(
    fleet: TestFleet, network: Outs
) -> None:
    def inputs(files: str) -> Outs:
        return fleet.inputs(network, files=content.put(files))

    def table() -> str:
        index = fleet.run(machine, f"cat {ARTIFACTS}/index").splitlines()
        (digest,) = (line.split("\t")[0] for line in index if line.endswith("managed\t-"))
        return fleet.run(machine, f"cat {ARTIFACTS}/{digest}")

    first, second = inputs("table"), inputs("another table")
    machine = outs(MACHINES.create(first))
    assert table() == "table"
    assert not MACHINES.diff("", machine, first).changes
    assert not MACHINES.diff("", machine, second).changes, "the rollout brings it to members"

    fleet.run(machine, f"rm {ARTIFACTS}/{first['files']}")
    assert MACHINES.diff("", machine, second).changes
    assert not MACHINES.diff("", machine, second).replaces
    machine = outs(MACHINES.update("", machine, second))
    assert table() == "another table"
    assert first["files"] not in fleet.run(machine, f"ls {ARTIFACTS}").split()
    assert not MACHINES.diff("", machine, second).changes
