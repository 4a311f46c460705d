"""scripts/node/drift_machine.sh: what a machine says of itself besides what was declared for it."""

import os

import pytest

from tests.node.steps.reporting_machine import ReportingMachine


@pytest.mark.parametrize("name", ["debug.yaml", "kube-apiserver.yaml.bak"])
def test_a_new_manifest_that_nobody_declared_is_named(machine: ReportingMachine, name: str) -> None:
    machine.write(f"/etc/kubernetes/manifests/.{name}.swp", "which the kubelet does not run")
    assert machine.differences() == []
    manifest = machine.write(f"/etc/kubernetes/manifests/{name}", "kind: Pod\n")
    applied = machine.disk.state / "applied-state"
    # As `cp --archive` does it, and `mv`.
    os.utime(manifest, (applied.stat().st_mtime - 86400,) * 2)
    os.utime(applied, (manifest.stat().st_ctime - 5,) * 2)
    (found,) = machine.report().differences
    assert found.kind == "manifest"
    assert found.text == (
        f"/etc/kubernetes/manifests/{name} was not declared, and the kubelet runs it"
    )
    os.utime(applied, (manifest.stat().st_ctime + 5,) * 2)
    assert machine.differences() == [], "it was there when the machine was changed last"


@pytest.mark.parametrize(
    ("path", "mode", "limit"),
    [
        ("/etc/kubernetes/pki/ca.key", 0o644, 600),
        ("/etc/kubernetes/pki/etcd/server.pem", 0o640, 600),
        ("/etc/kubernetes/pki/ca.crt", 0o666, 644),
        ("/etc/kubernetes/controller-manager.conf", 0o604, 600),
        ("/var/lib/kubelet/pki/kubelet-client-1.pem", 0o644, 600),
    ],
)
def test_a_file_that_others_may_read_is_named(
    machine: ReportingMachine, path: str, mode: int, limit: int
) -> None:
    file = machine.write(path, "x")
    assert machine.differences() == []
    file.chmod(mode)
    (found,) = machine.report().differences
    assert (found.kind, found.text) == ("mode", f"{path} has mode {mode:o} instead of {limit}")
    file.chmod(0o600)
    assert machine.differences() == []


def test_a_clock_that_is_no_longer_synchronized_and_a_full_disk(machine: ReportingMachine) -> None:
    machine.write("/clock", "yes\n")
    assert (
        machine.report("unset EPOCHSECONDS; EPOCHSECONDS=1700000000").items["clock"]
        == "synchronized"
    )
    machine.write("/clock", "no\n")
    assert machine.differences("unset EPOCHSECONDS; EPOCHSECONDS=1700000020") == [], (
        "asked every five minutes"
    )
    assert machine.differences("unset EPOCHSECONDS; EPOCHSECONDS=1700000320") == [
        "clock is no longer synchronized"
    ]
    machine.write("/clock", "yes\n")
    machine.write("/used", " 93%\n")
    assert machine.differences("unset EPOCHSECONDS; EPOCHSECONDS=1700000640") == ["/ is 93 % full"]


def test_small_changes_of_disks_are_not_reported(machine: ReportingMachine) -> None:
    assert machine.report().disks["/"] == 41
    machine.write("/used", " 42%\n")
    assert machine.report().disks["/"] == 41
    machine.write("/used", " 43%\n")
    assert machine.report().disks["/"] == 43
