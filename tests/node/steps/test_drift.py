"""scripts/node/drift_report.sh: what a machine says of itself, and what of that is a difference."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate

from model.host_digests import HostReport, parse
from model.pki.certificates import new_authority
from tests.node.steps.disk import Disk

KUBELET = "/usr/local/bin/kubelet"
CONFIG = "/etc/containerd/config.toml"
MIRROR = "/etc/containerd/certs.d/example.org/hosts.toml"
PROXY = "/etc/systemd/system/containerd.service.d/50-kubeadm-fleet-proxy.conf"
SECRET = "/var/lib/kubeadm-fleet/api-server/secrets/encryption.yaml"
UNIT = "/etc/systemd/system/kubelet.service"
FILES = {
    CONFIG: "version = 3\n",
    MIRROR: 'server = "x"\nauthorization = "Basic abc"\n',
    PROXY: "Environment=HTTPS_PROXY=http://me:pass@proxy:3128\n",
    SECRET: "key: c2VjcmV0\n",
    UNIT: "[Service]\n",
    "/etc/systemd/system/containerd.service": "[Service]\n",
    "/etc/kubernetes/manifests/kube-apiserver.yaml": "kind: Pod\n",
}
# What the machine is, instead of this host.
STAND_INS = r"""
MODULES_FOLDER=$DISK/run
UNITS_FOLDER=$DISK/etc/systemd/system
VERSIONED=("$DISK/usr/local/bin/kubelet")
node_facts() {
  local path
  while read -r path; do fact "file:$path" "$(digest "$path")"; done <"$DISK/watched"
  printf 'service:%s\tactive\n' containerd kubelet
}
identify() { :; }
systemctl() {
  local unit state
  [[ $1 == show ]] || return 0
  for unit in "${@:4}"; do
    state=$(cat "$DISK/unit-$unit" 2>/dev/null || echo active running 0 enabled)
    read -r active sub restarts file drop <<<"$state"
    printf 'Id=%s\nActiveState=%s\nSubState=%s\n' "$unit" "$active" "$sub"
    printf 'NRestarts=%s\nUnitFileState=%s\nDropInPaths=%s\n\n' "$restarts" "$file" "$drop"
  done
}
timedatectl() { cat "$DISK/clock" 2>/dev/null || echo no; }
timeout() { shift; "$@"; }
df() {
  echo "Use%"
  for _ in "${@:3}"; do cat "$DISK/used" 2>/dev/null || echo ' 41%'; done
}
sha256sum() { echo "$*" >>"$DISK/hashed"; command sha256sum "$@"; }
"""
SETTINGS = "KUBERNETES_VERSION=v1.36.3 CONTROL=c KUBELET=k RECORDED=r"


class Machine:
    """A member, with what was declared for it."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        disk.join()
        (disk.folder / "etc/os-release").write_text('PRETTY_NAME="Test 1"\n')
        self.write("/etc/sysctl.d/90-kubeadm-fleet.conf", "kernel.ostype = Linux\n")
        for path, content in FILES.items():
            self.write(path, content)
        self.write(KUBELET, "#!/bin/sh\necho Kubernetes v1.36.3\n").chmod(0o755)
        watched = [path for path in FILES if path != SECRET]
        watched.append("/var/lib/kubelet/instance-config.yaml")
        self.write("/watched", "".join(f"{disk.folder}{path}\n" for path in watched))
        self.install()
        self.apply()

    def path(self, path: str) -> Path:
        return Path(f"{self.disk.folder}{path}")

    def write(self, path: str, content: str) -> Path:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return target

    def install(self, origin: str = "") -> None:
        """Record the program as it is now."""
        path = self.path(KUBELET)
        note = f'printf "%s\\t%s\\t%s\\t%s\\n" {path} '
        sum_ = f'"$(command sha256sum <{path} | cut -d " " -f 1)"'
        self.shell(f"{note}{origin or sum_} $(stat --format '%s %.Y' {path}) >>$STATE/files")

    def apply(self) -> None:
        """Record all that is there as declared, a while after the last step."""
        self.shell(f"{SETTINGS}; set -Eeuo pipefail; shopt -s nullglob; record_applied")

    def shell(self, call: str, script: str = "applied_state") -> str:
        ran = self.disk.run(f"{STAND_INS}\n{call}", script)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def document(self, more: str = "") -> dict[str, Any]:
        self.shell(f"{more}\nreport_drift", "drift_report")
        text = self.path("/run/kubeadm-fleet-drift/report.json").read_text()
        document: dict[str, Any] = json.loads(text.replace(str(self.disk.folder), ""))
        return document

    def report(self, more: str = "") -> HostReport:
        return parse(self.document(more))

    def differences(self, more: str = "") -> list[str]:
        return [each.text for each in self.report(more).differences]

    def inspected(self) -> list[str]:
        """What an inspection says besides files and services."""
        lines = self.shell("set -Eeuo pipefail; inspect").replace(str(self.disk.folder), "")
        return [line for line in lines.splitlines() if line.startswith("drift:")]

    def hashed(self) -> str:
        """What was read since the last call."""
        record = self.path("/hashed")
        text = record.read_text() if record.exists() else ""
        record.write_text("")
        return text.replace(str(self.disk.folder), "")


@pytest.fixture
def machine(disk: Disk) -> Machine:
    return Machine(disk)


def test_nothing_differs_on_an_untouched_machine(machine: Machine) -> None:
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


def test_of_files_with_secrets_it_says_only_whether_they_are_as_declared(machine: Machine) -> None:
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


def test_the_report_is_for_everybody_and_alone_in_its_folder(machine: Machine) -> None:
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
            "mkdir -p $DISK/var/lib/kubelet; touch $DISK/var/lib/kubelet/instance-config.yaml",
            "/var/lib/kubelet/instance-config.yaml appeared",
        ),
        ("echo inactive dead 0 enabled >$DISK/unit-kubelet.service", "kubelet.service is inactive"),
        (
            "echo activating auto-restart 7 enabled >$DISK/unit-kubelet.service",
            "kubelet.service is crash-looping",
        ),
    ],
)
def test_files_and_units_that_differ_are_named(machine: Machine, damage: str, line: str) -> None:
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
    machine: Machine, damage: str, name: str, what: str
) -> None:
    machine.report()
    machine.shell(damage)
    assert machine.differences() == [f"{name} {what}"]
    assert machine.inspected() == [f"drift:{name}\t{what}"]


def test_an_inspection_reads_no_program_that_has_its_size_and_time(machine: Machine) -> None:
    machine.hashed()
    assert machine.inspected() == []
    assert KUBELET not in machine.hashed()


def test_what_has_not_changed_is_not_read_again(machine: Machine) -> None:
    machine.report()
    assert KUBELET in machine.hashed()
    machine.report()
    assert machine.hashed() == ""
    machine.write(CONFIG, "x\n")
    machine.report()
    assert machine.hashed().split() == ["--", CONFIG]


def test_a_program_may_be_any_that_was_installed(machine: Machine) -> None:
    """After a change that was rolled back, it is the previous program."""
    former = machine.path(KUBELET).read_bytes()
    machine.write(KUBELET, "new")
    assert machine.differences() == [f"{KUBELET} was replaced"]
    machine.install()
    assert machine.differences() == []
    machine.path(KUBELET).write_bytes(former)
    assert machine.differences() == []


def test_a_download_is_known_by_its_size_and_time(disk: Disk) -> None:
    machine = Machine(disk)
    (disk.state / "files").unlink()
    machine.install("https://example.org/kubelet")
    assert machine.differences() == []
    machine.write(KUBELET, "other")
    assert machine.differences() == [f"{KUBELET} was replaced"]


def test_since_when_is_kept_until_it_is_as_declared_again(machine: Machine) -> None:
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


def test_what_a_step_is_writing_is_no_difference(machine: Machine) -> None:
    lock, applied = machine.disk.state / "lock", machine.disk.state / "applied-state"
    machine.write(CONFIG, "by a step\n")
    lock.touch()
    now = lock.stat().st_mtime
    os.utime(applied, (now - 5, now - 5))
    assert machine.differences(f"unset EPOCHSECONDS; EPOCHSECONDS={int(now) + 5}") == []
    held = f'exec 9<"$STATE/lock"; flock 9; unset EPOCHSECONDS; EPOCHSECONDS={int(now) + 3600}'
    assert machine.differences(held) == []
    assert machine.differences(f"unset EPOCHSECONDS; EPOCHSECONDS={int(now) + 61}") == [
        f"{CONFIG} was changed"
    ]
    # It is no news any more.
    assert machine.differences(held) == [f"{CONFIG} was changed"]
    machine.apply()
    assert machine.differences() == []


def test_a_new_drop_in_of_a_unit_is_named(machine: Machine) -> None:
    drop = machine.write("/etc/systemd/system/kubelet.service.d/override.conf", "[Service]\n")
    applied = (machine.disk.state / "applied-state").stat().st_mtime
    machine.shell(f"echo active running 0 enabled {drop} >$DISK/unit-kubelet.service")
    os.utime(drop, (applied - 5, applied - 5))
    assert machine.differences() == [], "it was there when the machine was changed last"
    os.utime(drop, (applied + 5, applied + 5))
    (found,) = machine.report().differences
    assert (found.kind, found.what) == ("drop-in", "changes kubelet.service")


def test_a_clock_that_is_no_longer_synchronized_and_a_full_disk(machine: Machine) -> None:
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


def test_small_changes_of_disks_are_not_reported(machine: Machine) -> None:
    assert machine.report().disks["/"] == 41
    machine.write("/used", " 42%\n")
    assert machine.report().disks["/"] == 41
    machine.write("/used", " 43%\n")
    assert machine.report().disks["/"] == 43


def test_hostile_names_and_texts_are_valid_json(machine: Machine) -> None:
    machine.write('/etc/cni/net.d/1"\\ $(touch x).conf', "x")
    machine.write("/etc/cni/net.d/10-flannel.conflist", "x")
    machine.write("/etc/os-release", 'PRETTY_NAME="a\\\tb"\n')
    items = machine.report().items
    assert [item for item in items if "/cni/" in item] == [
        "file /etc/cni/net.d/10-flannel.conflist"
    ]
    assert items["version system"] == "a\\ b"


def test_a_control_plane_says_when_etcd_was_saved(machine: Machine) -> None:
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
    machine: Machine,
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


def test_a_damaged_leaf_leaves_a_report_that_can_be_read(machine: Machine) -> None:
    machine.write("/var/lib/kubelet/pki/serving.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n")
    report = machine.report()
    assert (report.certificates, report.issued) == ({}, {})
