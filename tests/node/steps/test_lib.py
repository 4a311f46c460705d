"""Functions shared by all steps, run in a folder that represents the machine's disk."""

import subprocess
from pathlib import Path

import pytest

from ops.hosts.scripts import source

MEMBERSHIP = "sha256:0a1b machine-id"


class Disk:
    """A machine's folders, and calls of functions on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "var/lib/kubeadm-fleet"
        (folder / "etc/kubernetes").mkdir(parents=True)
        (folder / "run").mkdir()
        self.state.mkdir(parents=True)

    def command(self, call: str, script: str = "lib") -> list[str]:
        text = source(script)
        for place in ("/var/lib", "/var/log", "/etc/kubernetes", "/run"):
            text = text.replace(place, f"{self.folder}{place}")
        return ["bash", "-c", f"NODE_NAME=node\n{text}\n{call}"]

    def run(self, call: str, script: str = "lib") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(call, script), capture_output=True, text=True, timeout=20
        )

    def join(self) -> None:
        (self.state / "member").write_text(f"{MEMBERSHIP}\n")
        (self.folder / "etc/kubernetes/kubelet.conf").write_text("kubeconfig")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.mark.parametrize("membership", ["", MEMBERSHIP])
def test_machine_is_a_member_once_it_has_joined(disk: Disk, membership: str) -> None:
    asked = f"MEMBERSHIP='{membership}'; is_member"
    assert disk.run(asked).returncode == 1
    (disk.state / "member").write_text(MEMBERSHIP)
    assert disk.run(asked).returncode == 1  # the join was cut off, or kubeadm reset it
    disk.join()
    assert disk.run(asked).returncode == 0


def test_without_a_cluster_name_any_member_counts(disk: Disk) -> None:
    disk.join()
    assert disk.run("MEMBERSHIP='sha256:ffff machine-id'; is_member").returncode == 1
    assert disk.run("is_member").returncode == 0


def test_a_second_step_waits_for_the_first(disk: Disk) -> None:
    first = subprocess.Popen(
        disk.command("lib_begin; echo begun; read -r; echo done >>$STATE/log"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    assert first.stdout.readline() == "begun\n"
    second = subprocess.Popen(
        disk.command("lib_begin; cat $STATE/log"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    assert "an earlier run that is still active" in second.stderr.readline()
    first.communicate("\n", timeout=20)
    assert second.communicate(timeout=20)[0] == "done\n"


def test_a_step_without_a_name_is_rejected(disk: Disk) -> None:
    refused = disk.run("unset NODE_NAME; lib_begin")
    assert refused.returncode != 0
    assert "NODE_NAME is required by every step" in refused.stderr


def test_secrets_are_removed_at_the_end_of_a_run(disk: Disk) -> None:
    ran = disk.run('lib_begin; open_run; echo secret >"$RUN/key"; ls "$RUN"; exit 3')
    assert (ran.returncode, ran.stdout) == (3, "key\n")
    assert list((disk.folder / "run").iterdir()) == []


def test_downloads_use_the_recorded_proxy(disk: Disk) -> None:
    ask = "proxied bash -c 'echo \"${HTTPS_PROXY:-none}\"'"
    assert disk.run(ask, "proxy").stdout == "none\n"
    noted = disk.run(f"PROXY=HTTPS_PROXY=http://proxy:3128; note_egress; {ask}", "proxy")
    assert noted.stdout == "http://proxy:3128\n"
    assert disk.run(ask, "proxy").stdout == "http://proxy:3128\n"
