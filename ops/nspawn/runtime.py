"""The runtime record of a started machine, and whether its process still runs."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model.files import write_whole
from ops.nspawn.cgroup import Cgroups
from ops.nspawn.spec import MachineSpec


@dataclass(frozen=True)
class Runtime:
    """A started machine: its cgroups, its own PID 1 as the host knows it, and when that started.

    `boot` is the host's boot in which it started: after another, the same id is another process.
    """

    cgroups: Cgroups
    leader: int
    started: int
    boot: str

    @classmethod
    def of(cls, cgroups: Cgroups, leader: int = 0) -> "Runtime":
        """Return the record of a machine that is starting (`leader` 0) or has started."""
        return cls(cgroups, leader, start_time(leader), _boot())

    def write(self, spec: MachineSpec) -> None:
        """Write the record, for this program (`runtime.json`) and for people (`leader`)."""
        document = {
            "cgroups": [str(folder) for folder in self.cgroups.folders],
            "leader": self.leader,
            "started": self.started,
            "boot": self.boot,
        }
        write_whole(spec.folder / "runtime.json", json.dumps(document))
        (spec.folder / "leader").write_text(str(self.leader))

    @classmethod
    def read(cls, spec: MachineSpec) -> "Runtime | None":
        """Return the record; None if the machine was never started."""
        try:
            document = json.loads((spec.folder / "runtime.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        folders = tuple(Path(folder) for folder in document["cgroups"])
        return cls(Cgroups(folders), document["leader"], document["started"], document["boot"])

    @classmethod
    def forget(cls, spec: MachineSpec) -> None:
        """Remove the record."""
        for name in ("runtime.json", "leader"):
            (spec.folder / name).unlink(missing_ok=True)

    @property
    def alive(self) -> bool:
        """Return whether the recorded process still runs."""
        started = self.leader > 0 and self.boot == _boot()
        return started and start_time(self.leader) == self.started


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(process: int) -> int:
    """Field 22 of /proc/<pid>/stat (proc(5)): no two processes share both id and start.

    -1 when there is no such process, or when it has ended and is still a zombie.
    """
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return -1
    state, *fields = stat.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(fields[18])


def children(process: int) -> list[int]:
    """Return the PIDs of a process's children."""
    with suppress(OSError):
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
        return [int(pid) for pid in listed.split()]
    return []


def command_line(process: int) -> str:
    """Return a process's arguments, separated by blanks; "" if it no longer exists."""
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""
