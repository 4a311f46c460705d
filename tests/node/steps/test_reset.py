"""scripts/node/reset.sh: what stays and what goes, with stand-ins for the kernel and programs."""

from pathlib import Path

import pytest

from model.render.node_scripts import source
from tests.node.steps.disk import Disk

LOCKED = "dpkg: error: dpkg frontend lock was locked by another process with pid 812"


@pytest.fixture
def setting(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A setting of the kernel, on the disk."""
    moved = {name: source(name).replace("/proc/sys", f"{disk.folder}/sys")
             for name in ("kernel", "reset")}  # fmt: skip
    monkeypatch.setattr("tests.node.steps.disk.source", moved.__getitem__)
    path = disk.folder / "sys/net/ipv4/ip_forward"
    path.parent.mkdir(parents=True)
    (disk.folder / "sys/net/bridge").mkdir()
    (disk.folder / "etc/sysctl.d").mkdir()
    (disk.folder / "etc/sysctl.d/90-kubeadm-fleet.conf").write_text("net.ipv4.ip_forward = 1\n")
    return path


@pytest.mark.parametrize("before", ["0", "2"])
def test_a_kernel_setting_gets_its_former_value(disk: Disk, setting: Path, before: str) -> None:
    for value in (before, "3"):  # somebody changed it meanwhile
        setting.write_text(value)
        assert disk.run("load_kernel", "kernel").returncode == 0
        assert setting.read_text() == "1\n"
    assert disk.run("forget_settings", "reset").returncode == 0
    assert setting.read_text().strip() == before


def test_a_kernel_setting_that_somebody_changed_stays(disk: Disk, setting: Path) -> None:
    setting.write_text("0")
    assert disk.run("load_kernel", "kernel").returncode == 0
    setting.write_text("2")
    assert disk.run("forget_settings", "reset").returncode == 0
    assert setting.read_text() == "2"


THEIRS = (
    "var/lib/etcd/default/member/db",
    "var/lib/cni/networks/podman/10.88.0.2",
    "opt/cni/bin/their-plugin",
    "usr/libexec/their-program",
)
OURS = (
    "etc/kubernetes/kubelet.conf",
    "var/lib/kubelet/config.yaml",
    "var/lib/etcd/member/snap/db",
    "var/lib/cni/flannel/0123",
    "opt/cni/bin/calico",
    "opt/cni/bin/flannel",
    "run/calico/10-canal.conflist",
)


def test_files_of_others_are_as_before(disk: Disk) -> None:
    """Such as those of Debian's etcd-server and of podman."""

    def create(names: tuple[str, ...]) -> None:
        for name in names:
            (disk.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (disk.folder / name).touch()

    create(THEIRS)
    folders = [disk.folder / name for name in ("var/lib/kubelet", "etc/cni/net.d")]
    for folder in folders:
        folder.mkdir(parents=True)
    stand_ins = "systemctl() { :; }\nip() { :; }\nno_containers() { :; }\nset -Eeuo pipefail\n"
    settings = "unset MACHINE_ID; FLEET=0123fleet MARK=3f2a\n"
    claimed = disk.run(f"{stand_ins}{settings}claim_host", "enrollment")
    assert claimed.returncode == 0, claimed.stderr
    create(OURS)
    ran = disk.run(f"{stand_ins}forget_cluster; forget_files", "reset")
    assert ran.returncode == 0, ran.stderr
    places = ("etc/kubernetes", "var/lib", "opt", "usr", "run/calico")
    left = {
        str(path.relative_to(disk.folder))
        for place in places
        for path in (disk.folder / place).rglob("*")
        if path.is_file() and disk.state not in path.parents
    }
    assert left == {*THEIRS}
    assert all(folder.is_dir() for folder in folders), "they were there, but empty"


def test_network_namespaces_with_processes_are_somebody_s(disk: Disk) -> None:
    """Processes of pods have ended by then."""
    for name in ("cni-pod", "cni-theirs", "theirs"):
        (disk.folder / "run/netns" / name).mkdir(parents=True)
    programs = """
    systemctl() { :; }
    no_containers() { :; }
    ip() {
      case "$2 $3" in
        "pids cni-theirs") echo 812 ;;
        delete*) echo "$*" >>"$STATE/deleted" ;;
      esac
    }
    """
    ran = disk.run(f"{programs}set -Eeuo pipefail\nforget_cluster", "reset")
    assert ran.returncode == 0, ran.stderr
    deleted = (disk.state / "deleted").read_text().splitlines()
    assert [line for line in deleted if "netns" in line] == ["netns delete cni-pod"]


def test_another_package_manager_is_waited_for(disk: Disk) -> None:
    (disk.state / "packages").write_text("socat\n")
    dpkg = f"""
    LIB_STARTED=$EPOCHREALTIME
    dpkg-query() {{ :; }}
    dpkg() {{ echo "$*" >>$STATE/ran; [[ -f $STATE/free ]] || {{ echo '{LOCKED}'; return 2; }}; }}
    sleep() {{ touch $STATE/free; }}
    """
    ran = disk.run(f"{dpkg}forget_packages", "reset")
    assert ran.returncode == 0, ran.stderr
    assert (disk.state / "ran").read_text() == "--purge socat\n" * 2
    assert "kept" not in ran.stdout
