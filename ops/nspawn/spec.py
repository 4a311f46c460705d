"""What a container machine is, and where its parts lie on this host.

The folder of a machine holds `spec.json` (what it is, and whose), `runtime.json` (what runs), the
overlay's `upper` and `work`, the mounted `root`, containerd's own `containerd` and nspawn's `log`.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model import paths
from model.files import write_whole
from ops.errors import OperatorError


@dataclass(frozen=True)
class MachineSpec:
    """A machine as it was asked for; `owner` says whose it is, `memory` is in bytes."""

    owner: str
    cluster: str
    hostname: str
    role: str
    kubernetes_version: str
    bridge: str
    address: str
    gateway: str
    cpus: float
    memory: int
    authorized_key: str
    image: str
    machine_id: str

    @property
    def folder(self) -> Path:
        """The machine's folder."""
        return cluster_folder(self.cluster) / self.hostname

    @property
    def unit(self) -> str:
        """A name that no other fleet's machine on this host has: netns, cgroup and unit."""
        return f"kubeadm-fleet-{short(self.owner)}-{self.hostname}"

    @property
    def link(self) -> str:
        """The host's end of the machine's network cable; Linux allows 15 characters."""
        return f"kf{short(self.owner + self.hostname, 12)}"

    @property
    def bare_address(self) -> str:
        """The address without the length of its prefix."""
        return self.address.partition("/")[0]

    def write(self) -> None:
        """Write `spec.json`, atomically, before anything else of the machine exists."""
        while not self.folder.is_dir():
            # The end of another machine may remove the cluster's empty folder in between.
            with suppress(FileNotFoundError):
                # For root only: whoever is root in the machine can make files that run as root.
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / "spec.json", json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, folder: Path) -> "MachineSpec | None":
        """Read the machine in `folder`; None when there is none."""
        try:
            document: dict[str, Any] = json.loads((folder / "spec.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise OperatorError(
                f"{folder} can be read by root only: run the command with sudo"
            ) from None
        return cls(**document)


def all_specs() -> Iterator[MachineSpec]:
    """Return every machine that has a folder on this host, whoever made it."""
    for file in sorted(paths.machines_dir().glob("*/*/spec.json")):
        if (spec := MachineSpec.read(file.parent)) is not None:
            yield spec


def cluster_folder(cluster: str) -> Path:
    """The folder of a cluster's machines."""
    return paths.machines_dir() / cluster


def short(text: str, length: int = 8) -> str:
    """Return a short name that stands for a long one."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
