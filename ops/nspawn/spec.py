"""The specification of a container machine, and its paths on this host.

The folder of a machine holds `spec.json` (what it is, and whose), `runtime.json` (what runs), the
overlay's `upper` and `work`, the mounted `root`, containerd's own `containerd` and nspawn's `log`.
`image` is where the cache had its image when it was created; image.py keeps that image.
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
    """The desired machine; `owner` is its fleet, `memory` is in bytes."""

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
        """A name that is unique on this host across fleets: netns, cgroup and unit."""
        return f"kubeadm-fleet-{short(self.owner)}-{self.hostname}"

    @property
    def link(self) -> str:
        """The host's end of the machine's veth pair; Linux allows 15 characters."""
        return f"kf{short(self.owner + self.hostname, 12)}"

    @property
    def bare_address(self) -> str:
        """The address without its prefix length."""
        return self.address.partition("/")[0]

    def write(self) -> None:
        """Write `spec.json`, atomically, before anything else of the machine exists."""
        while not self.folder.is_dir():
            # Removing another machine may remove the cluster's empty folder in between.
            with suppress(FileNotFoundError):
                # For root only: root in the machine can create files that run as root here.
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / "spec.json", json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, folder: Path) -> "MachineSpec | None":
        """Load the machine in `folder`; None if there is none."""
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
    """Return every machine that has a folder on this host, of any fleet."""
    for file in sorted(paths.machines_dir().glob("*/*/spec.json")):
        if (spec := MachineSpec.read(file.parent)) is not None:
            yield spec


def cluster_folder(cluster: str) -> Path:
    """The folder of a cluster's machines."""
    return paths.machines_dir() / cluster


def short(text: str, length: int = 8) -> str:
    """Return a short name that stands for a long one."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]
