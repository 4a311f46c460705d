"""scripts/node/drift_machine.sh: what a machine says of itself besides what was declared for it."""

import os

import pytest

from tests.node.steps.reporting_machine import CA, KUBELET_KUBECONFIG, ReportingMachine


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
    machine.apply()
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


@pytest.mark.parametrize("path", [KUBELET_KUBECONFIG, CA])
def test_what_the_kubelet_joined_with_is_compared_without_its_digest(
    machine: ReportingMachine, path: str
) -> None:
    report = machine.report()
    assert (report.items[f"file {path}"], report.differences) == ("same", ())
    before = machine.path(path).read_text()
    machine.path(path).write_text(f"{before}more\n")
    report = machine.report()
    assert report.items[f"file {path}"] == "different"
    (found,) = report.differences
    kind = "kubeconfig" if path == KUBELET_KUBECONFIG else "secret"
    assert (found.kind, found.text) == (kind, f"{path} was changed")
    machine.path(path).write_text(before)
    assert machine.differences() == []
    machine.path(path).unlink()
    assert machine.differences() == [f"{path} is gone"]


def test_a_machine_whose_record_is_older_says_nothing_of_what_it_joined_with(
    machine: ReportingMachine,
) -> None:
    applied = machine.disk.state / "applied-state"
    lines = applied.read_text().splitlines(keepends=True)
    applied.write_text("".join(line for line in lines if f":{machine.disk.folder}{CA}" not in line))
    machine.path(CA).write_text("another one\n")
    assert machine.differences() == []


def test_a_rotated_ca_is_no_difference(machine: ReportingMachine) -> None:
    applied = machine.disk.state / "applied-state"
    os.utime(applied, (1700000000, 1700000000))
    machine.path(CA).write_text("another one\n")
    before = applied.read_text()
    machine.shell("record_ca", "trust")
    after = applied.read_text()
    assert len(set(before.splitlines()) ^ set(after.splitlines())) == 2
    assert applied.stat().st_mtime == 1700000000
    assert machine.differences() == []
    applied.unlink()
    machine.shell("record_ca", "trust")
    assert not applied.exists()


@pytest.mark.parametrize(
    ("answer", "alarm"),
    [
        ('{"health":"true","reason":""}', ""),
        ('{"health":"false","reason":"RAFT NO LEADER"}', ""),
        ('{"health":"false","reason":"ALARM NOSPACE"}', "NOSPACE"),
        ('{"health":"false","reason":"ALARM CORRUPT"}', "CORRUPT"),
    ],
)
def test_an_alarm_of_etcd_is_named(machine: ReportingMachine, answer: str, alarm: str) -> None:
    machine.write("/etcd-health", answer)
    assert machine.differences() == [], "this machine has no etcd"
    machine.write("/etc/kubernetes/manifests/etcd.yaml", "kind: Pod\n")
    machine.apply()
    found = [(each.kind, each.text) for each in machine.report().differences]
    assert found == ([("etcd", f"etcd has the alarm {alarm}")] if alarm else [])
    machine.path("/etcd-health").unlink()
    assert machine.differences() == [], "it does not answer"


def test_a_job_that_failed_is_named_unless_it_says_why(machine: ReportingMachine) -> None:
    unit = "kubeadm-fleet-renewal.service"
    machine.write(f"/etc/systemd/system/{unit}", "[Service]\n")
    for state, expected in (("inactive", []), ("failed", [f"{unit} has failed"])):
        machine.write(f"/unit-{unit}", f"{state} dead 0 static")
        report = machine.report()
        assert [each.text for each in report.differences] == expected
        assert f"unit {unit}" not in report.items, "it is another at any time"
    assert report.differences[0].kind == "job"
    machine.write("/var/lib/kubeadm-fleet/renewals", "snapshot\tx\tfailed\tetcd\n")
    assert machine.differences() == []
    machine.write("/var/lib/kubeadm-fleet/renewals", "snapshot\tx\tsucceeded\ta.db\n")
    assert machine.differences() == [f"{unit} has failed"]


def test_a_service_that_is_being_restarted_is_no_difference(machine: ReportingMachine) -> None:
    for state, expected in (
        ("deactivating stop-sigterm", []),
        ("inactive dead", ["kubelet.service is inactive"]),
    ):
        machine.write("/unit-kubelet.service", f"{state} 0 enabled")
        assert machine.differences() == expected
