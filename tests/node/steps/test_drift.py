"""scripts/node/drift_report.sh: what a machine says of itself, and what of that is a difference."""

import os
from datetime import timedelta

import pytest
from cryptography.x509 import load_pem_x509_certificate

from model.pki.certificates import new_authority
from tests.node.steps.disk import Disk
from tests.node.steps.reporting_machine import (
    CONFIG,
    FILES,
    KUBELET,
    MIRROR,
    PROXY,
    SECRET,
    ReportingMachine,
)


def test_nothing_differs_on_an_untouched_machine(machine: ReportingMachine) -> None:
    report = machine.report()
    assert report.differences == ()
    assert machine.inspected() == []
    items = report.items
    assert len(items[f"file {CONFIG}"]) == 16
    assert items["version kubelet"] == "v1.36.3"
    assert items["version system"] == "Test 1"
    assert items["sysctl kernel.ostype"] == "Linux"
    assert items["unit kubelet.service"] == "active enabled"
    assert items["clock"] == "unsynchronized", "which it has always been"
    assert report.disks["/"] == 41


def test_of_files_with_secrets_it_says_only_whether_they_are_as_declared(
    machine: ReportingMachine,
) -> None:
    items = machine.report().items
    for path in (MIRROR, PROXY, SECRET):
        assert items[f"file {path}"] == "same", path
    machine.write(MIRROR, FILES[MIRROR].replace("abc", "abd"))
    machine.write(SECRET, "key: other\n")
    # A password anywhere.
    machine.write(CONFIG, "proxy = 'http://me:pass@proxy'\n")
    report = machine.report()
    found = {each.name: each.kind for each in report.differences}
    assert found == {SECRET: "secret", CONFIG: "secret"}
    assert report.items[f"file {SECRET}"] == report.items[f"file {CONFIG}"] == "different"
    assert "pass" not in machine.path("/run/kubeadm-fleet-drift/report.json").read_text()


def test_the_report_is_for_everybody_and_alone_in_its_folder(machine: ReportingMachine) -> None:
    machine.report()
    folder = machine.path("/run/kubeadm-fleet-drift")
    assert [path.name for path in folder.iterdir()] == ["report.json"]
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "report.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        ("echo >>$DISK/etc/containerd/config.toml", f"{CONFIG} was changed"),
        ("rm $DISK/etc/containerd/config.toml", f"{CONFIG} is gone"),
        (
            "mkdir -p $DISK/var/lib/kubelet; "
            "install -m 600 /dev/null $DISK/var/lib/kubelet/instance-config.yaml",
            "/var/lib/kubelet/instance-config.yaml appeared",
        ),
        ("echo inactive dead 0 enabled >$DISK/unit-kubelet.service", "kubelet.service is inactive"),
        (
            "echo activating auto-restart 7 enabled >$DISK/unit-kubelet.service",
            "kubelet.service is crash-looping",
        ),
    ],
)
def test_files_and_units_that_differ_are_named(
    machine: ReportingMachine, damage: str, line: str
) -> None:
    machine.report()
    machine.shell(damage)
    assert machine.differences() == [line]
    assert machine.inspected() == [], "which compares files and services itself"


@pytest.mark.parametrize(
    ("damage", "name", "what"),
    [
        ("echo x >>$DISK/usr/local/bin/kubelet", KUBELET, "was replaced"),
        (
            "touch -r $DISK/usr/local/bin/kubelet $DISK/time; "
            "sed -i s/v1/v2/ $DISK/usr/local/bin/kubelet; "
            "touch -r $DISK/time $DISK/usr/local/bin/kubelet",
            KUBELET,
            "was replaced",
        ),
        ("rm $DISK/usr/local/bin/kubelet", KUBELET, "is gone"),
        (
            "sed -i s/Linux/Other/ $DISK/etc/sysctl.d/90-kubeadm-fleet.conf",
            "kernel.ostype",
            "is Linux instead of Other",
        ),
        (
            "echo active running 0 disabled >$DISK/unit-kubelet.service",
            "kubelet.service",
            "is disabled: it would not start at the next boot",
        ),
    ],
)
def test_what_else_differs_is_named_and_seen_by_an_inspection(
    machine: ReportingMachine, damage: str, name: str, what: str
) -> None:
    machine.report()
    machine.shell(damage)
    assert machine.differences() == [f"{name} {what}"]
    assert machine.inspected() == [f"drift:{name}\t{what}"]


def test_an_inspection_reads_no_program_that_has_its_size_and_time(
    machine: ReportingMachine,
) -> None:
    machine.hashed()
    assert machine.inspected() == []
    assert KUBELET not in machine.hashed()


def test_what_has_not_changed_is_not_read_again(machine: ReportingMachine) -> None:
    machine.report()
    assert KUBELET in machine.hashed()
    machine.report()
    assert machine.hashed() == ""
    machine.write(CONFIG, "x\n")
    machine.report()
    assert machine.hashed().split() == [CONFIG]


def test_a_program_may_be_any_that_was_installed(machine: ReportingMachine) -> None:
    """After a change that was rolled back, it is the previous program."""
    former = machine.path(KUBELET).read_bytes()
    machine.write(KUBELET, "new")
    assert machine.differences() == [f"{KUBELET} was replaced"]
    machine.install()
    assert machine.differences() == []
    machine.path(KUBELET).write_bytes(former)
    assert machine.differences() == []


def test_a_download_is_known_by_its_size_and_time(disk: Disk) -> None:
    machine = ReportingMachine(disk)
    (disk.state / "files").unlink()
    machine.install("https://example.org/kubelet")
    assert machine.differences() == []
    machine.write(KUBELET, "other")
    assert machine.differences() == [f"{KUBELET} was replaced"]


def test_since_when_is_kept_until_it_is_as_declared_again(machine: ReportingMachine) -> None:
    machine.write(CONFIG, "x\n")
    (first,) = machine.report("unset EPOCHSECONDS; EPOCHSECONDS=1700000000").differences
    assert first.since.timestamp() == 1700000000
    (second,) = machine.report("unset EPOCHSECONDS; EPOCHSECONDS=1700000020").differences
    assert second == first
    machine.write(CONFIG, FILES[CONFIG])
    assert machine.report().differences == ()
    machine.write(CONFIG, "x\n")
    (third,) = machine.report("unset EPOCHSECONDS; EPOCHSECONDS=1700000060").differences
    assert third.since.timestamp() == 1700000060


HELD = 'exec 8<"$CHANGING"; flock --shared 8;'


def at(seconds: float) -> str:
    """Shell that makes it this time of the machine's clock."""
    return f"unset EPOCHSECONDS; EPOCHSECONDS={int(seconds)};"


def begin_step(machine: ReportingMachine, call: str = "lib_begin") -> float:
    """Run a step, a while after the last record; return when it began."""
    changing, applied = (machine.disk.state / name for name in ("changing", "applied-state"))
    changing.touch()
    os.utime(changing, (0, 0))
    before = applied.stat().st_mtime - 5
    os.utime(applied, (before, before))
    machine.disk.run(call)
    return changing.stat().st_mtime


def test_what_a_step_is_writing_is_no_difference(machine: ReportingMachine) -> None:
    machine.write(CONFIG, "by a step\n")
    begun = begin_step(machine)
    assert machine.differences(at(begun + 5)) == []
    assert machine.differences(at(begun + 59)) == [], "another step may follow"
    assert machine.differences(at(begun + 61)) == [f"{CONFIG} was changed"]
    # It is no news any more.
    assert machine.differences(HELD + at(begun + 3600)) == [f"{CONFIG} was changed"]
    machine.apply()
    assert machine.differences() == []


def test_after_a_long_step_others_may_follow(machine: ReportingMachine) -> None:
    begun = begin_step(machine)
    assert machine.differences(HELD + at(begun + 1200)) == []
    machine.write(CONFIG, "by the end of the step\n")
    assert machine.differences(at(begun + 1220)) == []
    assert machine.differences(at(begun + 1261)) == [f"{CONFIG} was changed"]


def test_a_difference_is_named_at_once_whatever_is_done_by_the_clock(
    machine: ReportingMachine,
) -> None:
    begun = begin_step(machine, "lib_begin as-is")
    assert begun == 0
    machine.write(CONFIG, "by somebody\n")
    assert machine.differences('exec 9>"$STATE/lock"; flock 9') == [f"{CONFIG} was changed"]


def test_a_clock_that_was_set_back_hides_nothing(machine: ReportingMachine) -> None:
    begun = begin_step(machine)
    machine.write(CONFIG, "by somebody\n")
    assert machine.differences(at(begun - 3600)) == [f"{CONFIG} was changed"]


def test_what_is_recorded_while_it_is_looked_at_is_no_difference(machine: ReportingMachine) -> None:
    machine.write(CONFIG, "by a step\n")
    record = 'cp "$APPLIED_STATE" "$STATE/new"; mv "$STATE/new" "$APPLIED_STATE"'
    assert machine.differences(f"judge_clock() {{ CLOCK=unknown; {record}; }}") == []
    assert machine.differences() == [f"{CONFIG} was changed"]


def test_a_new_drop_in_of_a_unit_is_named(machine: ReportingMachine) -> None:
    drop = machine.write("/etc/systemd/system/kubelet.service.d/override.conf", "[Service]\n")
    applied = (machine.disk.state / "applied-state").stat().st_mtime
    machine.shell(f"echo active running 0 enabled {drop} >$DISK/unit-kubelet.service")
    os.utime(drop, (applied - 5, applied - 5))
    assert machine.differences() == [], "it was there when the machine was changed last"
    os.utime(drop, (applied + 5, applied + 5))
    (found,) = machine.report().differences
    assert (found.kind, found.what) == ("drop-in", "changes kubelet.service")


def test_hostile_names_and_texts_are_valid_json(machine: ReportingMachine) -> None:
    machine.write('/etc/cni/net.d/1"\\ $(touch x).conf', "x")
    machine.write("/etc/cni/net.d/10-flannel.conflist", "x")
    machine.write("/etc/os-release", 'PRETTY_NAME="a\\\tb"\n')
    items = machine.report().items
    assert [item for item in items if "/cni/" in item] == [
        "file /etc/cni/net.d/10-flannel.conflist"
    ]
    assert items["version system"] == "a\\ b"


def test_a_control_plane_says_when_etcd_was_saved(machine: ReportingMachine) -> None:
    machine.write("/etc/kubernetes/controller-manager.conf", "x")
    assert machine.report().backup is None
    for name in ("20260101T000000Z.db", "20260102T000000Z.db"):
        snapshot = machine.write(f"/var/lib/kubeadm-fleet/snapshots/{name}", "x")
        os.utime(snapshot, (1700000000, 1700000000))
    machine.write("/var/lib/kubeadm-fleet/renewals", 'snapshot\tx\tfailed\tetcd "is" off\n')
    report = machine.report()
    assert report.backup and report.backup.timestamp() == 1700000000
    assert report.backup_failure == 'etcd "is" off'


def test_leaves_are_reported_with_their_validity_and_read_again_when_replaced(
    machine: ReportingMachine,
) -> None:
    path = "/var/lib/kubelet/pki/serving.pem"
    for days in (2, 3):
        pair = new_authority("kubelet", timedelta(days=days))
        machine.write(path, pair.cert_pem)
        found = load_pem_x509_certificate(pair.cert_pem.encode())
        for _ in range(2):  # Also from what was kept.
            report = machine.report()
            assert report.certificates == {"kubelet-serving": found.not_valid_after_utc}
            assert report.issued == {"kubelet-serving": found.not_valid_before_utc}


def test_a_damaged_leaf_leaves_a_report_that_can_be_read(machine: ReportingMachine) -> None:
    machine.write("/var/lib/kubelet/pki/serving.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n")
    report = machine.report()
    assert (report.certificates, report.issued) == ({}, {})
