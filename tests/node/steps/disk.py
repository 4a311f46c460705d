"""A folder that stands for a machine's disk, and calls of node scripts' functions on it."""

import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from model.render.machine_files import ManagedFile
from model.render.node_scripts import source

MEMBERSHIP = "sha256:0a1b machine-id"
IDENTITY = "0123456789abcdef"
# The machine's accounts, and the owners of its files, instead of this host's.
ACCOUNTS_STAND_INS = """
getent() { grep -qsx "$1 $2" "$DISK/accounts"; }
groupadd() { echo "group ${*: -1}" >>"$DISK/accounts"; }
useradd() { echo "passwd ${*: -1}" >>"$DISK/accounts"; }
groupdel() { sed -i "/^group $1$/d" "$DISK/accounts"; }
userdel() { sed -i "/^passwd $1$/d" "$DISK/accounts"; }
chown() { echo "$*" >>"$DISK/chowned"; }
"""


class Disk:
    """A machine's folders, and calls of functions on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.scripts = 0
        self.state = folder / "var/lib/kubeadm-fleet"
        (folder / "etc/kubernetes").mkdir(parents=True)
        (folder / "etc/machine-id").write_text(f"{IDENTITY}\n")
        (folder / "run").mkdir()
        self.state.mkdir(parents=True)
        (folder / "var/log/kubeadm-fleet").mkdir(parents=True)

    def command(self, call: str, script: str = "lib") -> list[str]:
        """The command that runs `call`, a function of the script.

        The script is in a file: it is longer than one argument can be (128 KiB, execve(2)).
        """
        text = source(script)
        for place in ("/var/lib", "/var/log", "/etc/", "/run", "/opt/cni", "/usr/libexec"):
            text = text.replace(place, f"{self.folder}{place}")
        settings = f"DISK={self.folder}\nNODE_NAME=node\nMACHINE_ID={IDENTITY}\n"
        self.scripts += 1
        file = self.folder.with_name(f"{self.folder.name}-{self.scripts}.sh")
        file.write_text(f"{settings}{text}\n{ACCOUNTS_STAND_INS}\n{call}\n")
        return ["bash", str(file)]

    def run(self, call: str, script: str = "lib") -> "subprocess.CompletedProcess[str]":
        """Run it."""
        return subprocess.run(
            self.command(call, script), capture_output=True, text=True, timeout=20
        )

    def join(self) -> None:
        """Make the machine a member."""
        (self.state / "member").write_text(f"{MEMBERSHIP}\n")
        (self.folder / "etc/kubernetes/kubelet.conf").write_text("kubeconfig")

    def moved(self, files: Iterable[ManagedFile]) -> list[ManagedFile]:
        """The files, with their paths on this disk."""
        return [replace(file, path=f"{self.folder}{file.path}") for file in files]
