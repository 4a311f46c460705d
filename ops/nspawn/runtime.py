"""The runtime record of a started machine, and whether its process still runs."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from model.files import write_whole
from ops.nspawn.cgroup import Cgroups
from ops.nspawn.spec import MachineSpec


@dataclass(frozen=True)
class Process:
    """A process of this host, and when it started; 0 stands for none."""

    id: int = 0
    started: int = -1

    @classmethod
    def of(cls, process: int) -> "Process":
        """Return a process that runs, by its id."""
        return cls(process, start_time(process))

    @property
    def runs(self) -> bool:
        """Return whether it still runs, and is no other process with its id."""
        return self.id > 0 and start_time(self.id) == self.started


@dataclass(frozen=True)
class Runtime:
    """A started machine: its cgroups, its own PID 1 as the host knows it, and its keeper.

    `boot` is the host's boot in which it started: after another, the same id is another process.
    `keeper` is what starts the machine again when it reboots; none where systemd does.
    """

    cgroups: Cgroups
    boot: str
    leader: Process = Process()
    keeper: Process = Process()

    @classmethod
    def of(cls, cgroups: Cgroups, *, keeper: Process | None = None) -> "Runtime":
        """Return the record of a machine that is starting."""
        return cls(cgroups, _boot(), keeper=keeper or Process())

    def write(self, spec: MachineSpec) -> None:
        """Write the record, for this program (`runtime.json`) and for people (`leader`)."""
        document = {
            "cgroups": [str(folder) for folder in self.cgroups.folders],
            "leader": self.leader.id,
            "started": self.leader.started,
            "keeper": self.keeper.id,
            "keeper_started": self.keeper.started,
            "boot": self.boot,
        }
        write_whole(spec.folder / "runtime.json", json.dumps(document))
        (spec.folder / "leader").write_text(str(self.leader.id))

    @classmethod
    def read(cls, spec: MachineSpec) -> "Runtime | None":
        """Return the record; None if the machine was never started."""
        try:
            document = json.loads((spec.folder / "runtime.json").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        folders = tuple(Path(folder) for folder in document["cgroups"])
        # Machines that an earlier version of this program started have no keeper.
        keeper = Process(document.get("keeper", 0), document.get("keeper_started", -1))
        leader = Process(document["leader"], document["started"])
        return cls(Cgroups(folders), document["boot"], leader, keeper)

    @classmethod
    def forget(cls, spec: MachineSpec) -> None:
        """Remove the record."""
        for name in ("runtime.json", "leader"):
            (spec.folder / name).unlink(missing_ok=True)

    @property
    def alive(self) -> bool:
        """Return whether the recorded PID 1 still runs."""
        return self.boot == _boot() and self.leader.runs

    @property
    def running_keeper(self) -> int:
        """The id of its keeper, 0 if that does not run."""
        return self.keeper.id if self.boot == _boot() and self.keeper.runs else 0


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
