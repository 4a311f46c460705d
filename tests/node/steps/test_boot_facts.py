"""scripts/node/host_facts.sh: what would make the Node of a host fail, now or at the next boot."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

MODPROBE = """modprobe() {
  case $2 in
    overlay) echo 'builtin overlay' ;;
    br_netfilter) echo 'insmod /lib/modules/x/bridge.ko'; echo 'install /bin/false ' ;;
    *) return 1 ;;
  esac
}
"""


def words(disk: Disk, call: str) -> set[str]:
    ran = disk.run(call, "host_facts")
    assert ran.returncode == 0, ran.stderr
    return {word.replace(str(disk.folder), "") for word in ran.stdout.split()}


def write(disk: Disk, files: Mapping[str, str]) -> None:
    for path, content in files.items():
        file = disk.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"/etc/sysctl.d/60-cis.conf": "net.ipv4.ip_forward=0\n"}, set()),
        (
            {"/etc/sysctl.d/99-z.conf": "# net.ipv4.ip_forward=1\n -net/ipv4/ip_forward = 0\n"},
            {"/etc/sysctl.d/99-z.conf,net.ipv4.ip_forward,0"},
        ),
        (
            {
                "/etc/sysctl.d/95-a.conf": "net.ipv4.ip_forward=0\nvm.swappiness=1\n",
                "/etc/sysctl.d/99-z.conf": "net.ipv4.ip_forward=1\n",
            },
            {"/etc/sysctl.d/99-z.conf,net.ipv4.ip_forward,1"},
        ),
        (
            {
                "/run/sysctl.d/99-z.conf": "net.ipv4.conf.default.forwarding=0\n",
                "/etc/sysctl.d/99-z.conf": "",
            },
            set(),
        ),
        (
            {"/etc/sysctl.conf": "net.bridge.bridge-nf-call-iptables=0\n"},
            {"/etc/sysctl.conf,net.bridge.bridge-nf-call-iptables,0"},
        ),
    ],
)
def test_settings_that_a_boot_applies_after_ours_are_found(
    disk: Disk, files: Mapping[str, str], found: set[str]
) -> None:
    write(disk, files)
    assert words(disk, "later_settings") == found


def test_foreign_files_are_those_in_our_places_and_drop_ins_of_our_units(disk: Disk) -> None:
    units = "/etc/systemd/system"
    write(
        disk,
        {
            "/etc/containerd/config.toml": "",
            f"{units}/containerd.service.d/http-proxy.conf": "",
            f"{units}/kubelet.service.d/20-cloud.conf": "",
            f"{units}/ssh.service.d/own.conf": "",
            "/usr/local/sbin/runc": "",
        },
    )
    paths = f"{disk.folder}/etc/containerd/config.toml {disk.folder}/usr/local/bin/kubelet"
    runc = f"SHADOWING_PROGRAMS=({disk.folder}/usr/local/sbin/runc)"
    assert words(disk, f"{runc}; PATHS='{paths}'; foreign_files") == {
        "/usr/local/sbin/runc",
        "/etc/containerd/config.toml",
        f"{units}/containerd.service.d/http-proxy.conf",
        f"{units}/kubelet.service.d/20-cloud.conf",
    }


def test_links_in_place_of_a_cluster_s_folders_are_found(disk: Disk) -> None:
    (disk.folder / "data").mkdir()
    (disk.folder / "var/lib/kubelet").symlink_to(disk.folder / "data")
    found = words(disk, "PATHS=; other_facts | sed -n 's/^symlinks\\t//p'")
    assert found == {"/var/lib/kubelet,/data"}


def test_folders_with_volumes_in_them_are_found(disk: Disk) -> None:
    """A disk of their own, or of /var/lib/kubelet/pods, is no volume."""
    mounts = "mounts_in() { printf '%s\\n' $1 $1/pods; [[ $1 != */kubelet ]] || echo $1/pods/a/b; }"
    found = words(disk, f"PATHS=; {mounts}; other_facts | sed -n 's/^volumes\\t//p'")
    assert found == {"/var/lib/kubelet"}


def test_modules_that_cannot_be_loaded_are_found(disk: Disk, tmp_path: Path) -> None:
    places = f"MODULES={tmp_path}; LOADED_MODULES={tmp_path}; uname() {{ echo modules; }}"
    call = f"{MODPROBE} {places}; missing_modules"
    assert words(disk, call) == set(), "a container has no modules of its own"
    (tmp_path / "modules").mkdir()
    assert words(disk, call) == {"br_netfilter", "vxlan"}


@pytest.mark.parametrize(
    ("have", "missing"),
    [("cpuset cpu io memory pids", set()), ("cpuset cpu io pids", {"memory"})],
)
def test_cgroup_controllers_that_are_off_are_found(
    disk: Disk, have: str, missing: set[str]
) -> None:
    assert words(disk, f"cat() {{ echo '{have}'; }}; missing_controllers") == missing


def test_the_cgroup_controllers_of_version_1_are_known(disk: Disk) -> None:
    table = "cat() { false; }; awk() { printf '%s\\n' cpuset cpu pids; }"
    assert words(disk, f"{table}; missing_controllers") == {"memory"}


UNITS = r"""systemctl() {
  case $1 in
    list-units) printf '%s\n' 'a.swap loaded active a' 'dev-b\x2dc.swap loaded inactive dead' \
      'd.swap masked inactive dead' 'e.swap not-found inactive dead' ;;
    list-unit-files) printf '%s\n' 'k3s.service enabled enabled' 'docker.service enabled enabled' ;;
    is-active) [[ $3 == docker.service ]] ;;
  esac
}
"""


def test_what_the_next_boot_starts_is_found(disk: Disk) -> None:
    assert words(disk, f"{UNITS} inactive_swaps") == {r"dev-b\x2dc.swap"}
    assert words(disk, f"{UNITS} stopped_services k3s.service docker.service") == {"k3s.service"}
