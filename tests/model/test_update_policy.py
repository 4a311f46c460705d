"""What automatic updates leave alone, as apt and the programs that read it understand it."""

import re
import subprocess
from pathlib import Path

from model.render import node_scripts, update_policy


def settings(tmp_path: Path) -> list[str]:
    """The settings of unattended-upgrades as apt reads them, behind those of a host."""
    first = tmp_path / "50unattended-upgrades"
    first.write_text(
        'Unattended-Upgrade::Package-Blacklist { "linux-"; };\n'
        'Unattended-Upgrade::Automatic-Reboot "true";\n'
    )
    ours = tmp_path / "99kubeadm-fleet"
    ours.write_text(update_policy.UNATTENDED_UPGRADES)
    read = subprocess.run(
        ["apt-config", "--config-file", str(ours), "dump"],
        env={"APT_CONFIG": str(first), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stderr == ""
    return read.stdout.splitlines()


def test_apt_adds_up_the_lists_and_reboots_nothing(tmp_path: Path) -> None:
    lines = settings(tmp_path)
    listed = "Unattended-Upgrade::Package-Blacklist:: "
    patterns = [line.removeprefix(listed).strip('";') for line in lines if listed in line]
    assert patterns[0] == "linux-"
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in lines

    def is_kept(package: str) -> bool:
        # As unattended-upgrades compares them.
        return any(re.match(pattern, package) for pattern in patterns[1:])

    assert all(is_kept(package) for package in update_policy.PACKAGES)
    others = (
        "runc-tools",
        "containerdxio",
        "libcontainerd",
        "openssl",
        "kubelet-extra",
        "haproxy-doc",
    )
    assert not any(is_kept(package) for package in others)


def test_what_is_never_patched_is_kept_from_automatic_updates_as_well() -> None:
    script = node_scripts.read("patches")
    found = re.search(r'^KEPT_PACKAGES="(.+)"$', script, re.MULTILINE)
    assert found
    kept = set(found[1].split())
    assert kept < set(update_policy.PACKAGES)
    # Of the distribution: in its turn, a machine gets their fixes.
    assert set(update_policy.PACKAGES) - kept == {"runc", "haproxy", "keepalived"}


def test_services_are_matched_whole() -> None:
    patterns = re.findall(r"qr\((.+)\)", update_policy.NEEDRESTART)
    for service in update_policy.SERVICES:
        assert any(re.match(pattern, f"{service}.service") for pattern in patterns)
    assert not any(re.match(pattern, "containerd-other.service") for pattern in patterns)
