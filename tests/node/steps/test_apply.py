"""scripts/node/apply.sh: what is restarted for a changed part, with stand-ins for the programs."""

from dataclasses import replace

import pytest

from model.render.machine_files import PARTS, ManagedFile, machine_files, table
from tests.model.examples import CONTAINER, changed, cluster
from tests.node.steps.disk import Disk

VIRTUAL = cluster(
    changed(CONTAINER, ("proxy", {"http": "http://proxy.example.com:3128"})),
    ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}),
)
FILES = machine_files(VIRTUAL, VIRTUAL.control_planes[0])
STAND_INS = """
systemctl() { echo "systemctl $*" >>"$STATE/calls"; }
start_runtime() { :; }
load_kernel() { echo load_kernel >>"$STATE/calls"; }
haproxy() { echo "haproxy $1" >>"$STATE/calls"; [[ ! -e $STATE/invalid ]]; }
host_fact() { echo "$1"; }
ip() { :; }
say() { :; }
set -Eeuo pipefail
"""
HAPROXY, KEEPALIVED = "kubeadm-fleet-haproxy", "kubeadm-fleet-keepalived"
START = [
    f"systemctl enable --quiet {HAPROXY} {KEEPALIVED}",
    f"systemctl start {HAPROXY}",
    f"systemctl start {KEEPALIVED}",
]
RELOAD = ["systemctl enable --quiet --no-reload containerd kubelet", "systemctl daemon-reload"]
TIMER, REPORTS = "kubeadm-fleet-renewal.timer", "kubeadm-fleet-drift.timer"
START_TIMERS = [
    f"systemctl enable --quiet --no-reload {TIMER} {REPORTS}",
    f"systemctl start {TIMER} {REPORTS}",
]
RESTARTS = {
    "/etc/sysctl.d/90-kubeadm-fleet.conf": ["load_kernel"],
    "/etc/containerd/config.toml": ["systemctl restart containerd"],
    "/etc/systemd/system/containerd.service": [*RELOAD, "systemctl restart containerd"],
    "/etc/systemd/system/containerd.service.d/50-kubeadm-fleet-proxy.conf": [
        *RELOAD,
        "systemctl restart containerd",
    ],
    "/var/lib/kubeadm-fleet/proxy.env": [],
    "/etc/systemd/system/kubelet.service": [*RELOAD, "systemctl try-restart kubelet"],
    "/var/lib/kubeadm-fleet/init-configuration.yaml": [],
    "/etc/kubeadm-fleet/haproxy.cfg": [
        "haproxy -c",
        f"systemctl reload-or-restart {HAPROXY}",
        *START,
    ],
    "/etc/kubeadm-fleet/keepalived.conf": [
        "haproxy -c",
        f"systemctl reload-or-restart {KEEPALIVED}",
        *START,
    ],
    "/etc/systemd/system/kubeadm-fleet-keepalived.service": [
        "haproxy -c",
        *RELOAD,
        f"systemctl restart {HAPROXY}",
        f"systemctl restart {KEEPALIVED}",
        *START,
    ],
    "/var/lib/kubeadm-fleet/renewal.sh": START_TIMERS,
    "/var/lib/kubeadm-fleet/drift.sh": START_TIMERS,
    "/etc/systemd/system/kubeadm-fleet-renewal.timer": [
        *RELOAD,
        f"systemctl try-restart {TIMER}",
        *START_TIMERS,
    ],
}


def apply(disk: Disk, files: list[ManagedFile], parts: str = " ".join(PARTS)) -> list[str]:
    """Apply the parts; return the calls of programs."""
    (disk.state / "calls").unlink(missing_ok=True)
    (disk.state / "table").write_text(table(disk.moved(files)))
    call = f'recall_changed; apply_parts "$(<"$STATE/table")" \'{parts}\''
    ran = disk.run(f"{STAND_INS}{call}", "apply")
    assert ran.returncode == 0, ran.stderr
    calls = disk.state / "calls"
    return calls.read_text().splitlines() if calls.exists() else []


def edited(path: str) -> list[ManagedFile]:
    return [
        replace(file, content=f"{file.content}# other\n") if file.path == path else file
        for file in FILES
    ]


@pytest.mark.parametrize("path", RESTARTS)
def test_only_what_reads_a_changed_file_is_restarted(disk: Disk, path: str) -> None:
    apply(disk, list(FILES))
    (part,) = {file.part for file in FILES if file.path == path}
    assert apply(disk, edited(path), part) == RESTARTS[path]
    assert not (disk.state / "changed").exists()


def test_nothing_is_restarted_where_nothing_changed(disk: Disk) -> None:
    apply(disk, list(FILES))
    assert apply(disk, list(FILES)) == ["haproxy -c", "load_kernel", *START, *START_TIMERS]
    assert apply(disk, list(FILES), "containerd proxy mirrors kubelet kubeadm") == []


def test_what_a_killed_run_wrote_is_put_to_use_by_the_next(disk: Disk) -> None:
    apply(disk, list(FILES))
    path = "/etc/containerd/config.toml"
    (disk.state / "table").write_text(table(disk.moved(edited(path))))
    killed = 'write_files "$(<"$STATE/table")" containerd'
    assert disk.run(f"{STAND_INS}{killed}", "apply").returncode == 0
    assert apply(disk, edited(path), "containerd") == RESTARTS[path]


def test_an_invalid_load_balancer_leaves_the_current_one(disk: Disk) -> None:
    apply(disk, list(FILES))
    config = disk.folder / "etc/kubeadm-fleet/haproxy.cfg"
    before = config.read_text()
    (disk.state / "invalid").touch()
    with pytest.raises(AssertionError, match="'haproxy -c' failed"):
        apply(disk, edited("/etc/kubeadm-fleet/haproxy.cfg"), "load-balancer")
    assert config.read_text() == before


def test_a_load_balancer_that_is_no_longer_wanted_is_stopped_first(disk: Disk) -> None:
    apply(disk, list(FILES))
    (disk.state / "vip").write_text("10.89.1.100\n")
    others = [file for file in FILES if file.part != "load-balancer"]
    assert apply(disk, others, "load-balancer")[:2] == [
        f"systemctl disable --quiet --now {KEEPALIVED}",
        f"systemctl disable --quiet --now {HAPROXY}",
    ]
    assert not (disk.folder / "etc/kubeadm-fleet").exists()
    assert apply(disk, others, "load-balancer") == [], "once"


def test_a_repair_restores_the_record(disk: Disk) -> None:
    apply(disk, list(FILES))
    config = disk.folder / "etc/containerd/config.toml"
    before = config.read_text()
    config.write_text("broken")
    ran = disk.run(f'{STAND_INS}recall_changed; restore_parts "$ALL_PARTS"', "apply")
    assert ran.returncode == 0, ran.stderr
    assert config.read_text() == before
