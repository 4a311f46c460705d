"""The cgroups of a machine: one below the caller's own in every hierarchy that is mounted.

They are below the caller's, so that its limits apply to its machines. On cgroup v1 there are
many hierarchies, on v2 there is one. Only hosts without systemd need this; elsewhere systemd makes
the cgroup of a machine.
"""

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ops.errors import OperatorError
from ops.nspawn.hierarchy import CALLERS, Hierarchy, hierarchies
from ops.wait import NotYet, wait_until

CPU_PERIOD_MICROSECONDS = 100_000
GRACE_SECONDS = 2
KILL_SECONDS = 20
POLL_SECONDS = 0.01
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids", "hugetlb")


@dataclass(frozen=True)
class Cgroups:
    """The machine's cgroup in each hierarchy."""

    folders: tuple[Path, ...]

    @classmethod
    def below_caller(cls, name: str, proc: Path = Path("/proc/self")) -> "Cgroups":
        """Return the paths of the cgroups of machine `name`, without creating them."""
        return cls(tuple(hierarchy.own / name for hierarchy in hierarchies(proc)))

    @classmethod
    def find(cls, name: str, proc: Path = Path("/proc/self")) -> "Cgroups":
        """Return the existing cgroups of machine `name`, wherever they were created."""
        return cls(
            tuple(f for hierarchy in hierarchies(proc) for f in _named(hierarchy.mount, name))
        )

    def create(self, proc: Path = Path("/proc/self")) -> None:
        """Create the cgroups, ready for processes and limits."""
        for hierarchy in hierarchies(proc):
            if hierarchy.unified and not hierarchy.hybrid:
                _delegate(hierarchy)
        for folder in self.folders:
            folder.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                # A new cpuset of cgroup v1 is empty and takes no process until it has both.
                if (folder / "cpuset.effective_cpus").exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())

    def limit(self, cpus: float, memory: int) -> None:
        """Set the limits; works on a running machine, too."""
        quota = int(cpus * CPU_PERIOD_MICROSECONDS)
        settings = {
            "cpu.cfs_quota_us": str(quota),
            "memory.limit_in_bytes": str(memory),
            "cpu.max": f"{quota} {CPU_PERIOD_MICROSECONDS}",
            "memory.max": str(memory),
        }
        for folder in self.folders:
            for name, value in settings.items():
                if (folder / name).exists():
                    _set(folder / name, value)

    @property
    def procs_files(self) -> list[str]:
        """The files to which a process writes its PID to enter."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def processes(self) -> set[int]:
        """Return the PIDs of all processes inside, including those of containers."""
        found: set[int] = set()
        for folder in self.folders:
            for inner, _folders, _files in os.walk(folder):
                with suppress(OSError):
                    found.update(map(int, Path(inner, "cgroup.procs").read_text().split()))
        return found

    def kill(self) -> None:
        """Kill every process inside, and wait until the kernel has removed them."""

        def kill() -> None:
            left = self.processes()
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            if left:
                raise NotYet(f"processes {sorted(left)}")

        wait_until(
            kill,
            KILL_SECONDS,
            lambda left: OperatorError(
                f"{left} of {self.folders[0].name} still alive {KILL_SECONDS} s after SIGKILL: "
                "check what blocks them with `ps -o pid,stat,wchan`, then run `fleet up` again"
            ),
            poll_seconds=POLL_SECONDS,
        )

    def drained(self) -> bool:
        """Wait briefly for the processes inside to exit; return whether they did."""

        def ended() -> None:
            if self.processes():
                raise NotYet

        try:
            wait_until(ended, GRACE_SECONDS, TimeoutError, poll_seconds=POLL_SECONDS)
        except TimeoutError:
            return False
        return True

    def remove(self) -> None:
        """Remove the empty cgroups."""

        def remove() -> None:
            for folder in self.folders:
                for inner, _folders, _files in os.walk(folder, topdown=False):
                    with suppress(OSError):
                        Path(inner).rmdir()
                if folder.exists():
                    raise NotYet(str(folder))

        wait_until(
            remove,
            KILL_SECONDS,
            lambda folder: OperatorError(
                f"the cgroup {folder} is still in use after {KILL_SECONDS} s: check its "
                "cgroup.procs, then run `fleet up` again"
            ),
            poll_seconds=POLL_SECONDS,
        )


def _named(mount: Path, name: str) -> Iterator[Path]:
    for inner, folders, _files in os.walk(mount):
        if name in folders:
            folders.remove(name)
            yield Path(inner, name)


def _set(file: Path, value: str) -> None:
    try:
        file.write_text(value)
    except OSError as error:
        raise OperatorError(
            f"the limit {value} cannot be set in {file} ({error.strerror}): a machine's memory "
            "limit must be above its current use and within its parent cgroup's limit"
        ) from error


def _delegate(hierarchy: Hierarchy) -> None:
    """Enable controllers for children of the caller's cgroup v2, which limits require.

    A cgroup that has processes cannot (the "no internal processes" rule of cgroups(7)), unless it
    is the root of the host. In a container the caller's cgroup is the root of the container's own
    tree: its processes move into a leaf, as they do for Docker in Docker.
    """
    wanted = [
        controller
        for controller in (hierarchy.own / "cgroup.controllers").read_text().split()
        if controller in CONTROLLERS
    ]
    control = hierarchy.own / "cgroup.subtree_control"
    missing = set(wanted) - set(control.read_text().split())
    if not missing:
        return
    setting = " ".join(f"+{controller}" for controller in sorted(missing))
    try:
        control.write_text(setting)
    except OSError as error:
        if error.errno != errno.EBUSY or hierarchy.own != hierarchy.mount:
            raise OperatorError(
                f"{control} rejects {setting!r} ({error.strerror}): run the command in a "
                "cgroup that is delegated to it, for instance with `systemd-run --scope "
                "--property=Delegate=yes`, or as a container's first process"
            ) from error
        leaf = hierarchy.own / CALLERS
        leaf.mkdir(exist_ok=True)
        for process in (hierarchy.own / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (leaf / "cgroup.procs").write_text(process)
        control.write_text(setting)
