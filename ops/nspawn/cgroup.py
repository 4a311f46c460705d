"""The cgroups of a machine: one below the caller's own in every hierarchy that is mounted.

Below the caller's, so that whatever limits the caller limits its machines. On cgroup v1 there are
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
        """Return where the cgroups of machine `name` belong; nothing is made."""
        return cls(tuple(each.own / name for each in hierarchies(proc)))

    @classmethod
    def find(cls, name: str, proc: Path = Path("/proc/self")) -> "Cgroups":
        """Return the cgroups of machine `name` wherever a caller made them."""
        return cls(tuple(f for each in hierarchies(proc) for f in _named(each.mount, name)))

    def create(self, proc: Path = Path("/proc/self")) -> None:
        """Make the cgroups, ready to take processes and limits."""
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
        """Set the limits, also of a running machine."""
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
        """The files into which a process writes its id to enter."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def processes(self) -> set[int]:
        """Return the ids of all processes inside, those of its containers included."""
        found: set[int] = set()
        for folder in self.folders:
            for inner, _folders, _files in os.walk(folder):
                with suppress(OSError):
                    found.update(map(int, Path(inner, "cgroup.procs").read_text().split()))
        return found

    def kill(self) -> None:
        """End every process inside, and wait until the kernel has let go of them."""

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
                f"{left} of {self.folders[0].name} did not end in {KILL_SECONDS} s after SIGKILL: "
                "see what holds them with `ps -o pid,stat,wchan`, then run `pulumi up` again"
            ),
            poll_seconds=POLL_SECONDS,
        )

    def drained(self) -> bool:
        """Wait a little for the processes inside to end by themselves; return whether they did."""

        def ended() -> None:
            if self.processes():
                raise NotYet

        try:
            wait_until(ended, GRACE_SECONDS, TimeoutError, poll_seconds=POLL_SECONDS)
        except TimeoutError:
            return False
        return True

    def remove(self) -> None:
        """Remove the cgroups, which hold no process any more."""

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
                f"the cgroup {folder} was still in use after {KILL_SECONDS} s: see its "
                "cgroup.procs, then run `pulumi up` again"
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
            f"the limit {value} cannot be set in {file} ({error.strerror}): a machine cannot get "
            "less memory than it uses now, nor more than its parent cgroup has"
        ) from error


def _delegate(hierarchy: Hierarchy) -> None:
    """Let children of the caller's cgroup v2 have controllers, without which nothing is limited.

    A cgroup that has processes cannot (the "no internal processes" rule of cgroups(7)), unless it
    is the root of the host. In a container the caller's cgroup is the root of the container's own
    tree: its processes move into a leaf, as they do for Docker in Docker.
    """
    wanted = [
        each
        for each in (hierarchy.own / "cgroup.controllers").read_text().split()
        if each in CONTROLLERS
    ]
    control = hierarchy.own / "cgroup.subtree_control"
    missing = set(wanted) - set(control.read_text().split())
    if not missing:
        return
    setting = " ".join(f"+{each}" for each in sorted(missing))
    try:
        control.write_text(setting)
    except OSError as error:
        if error.errno != errno.EBUSY or hierarchy.own != hierarchy.mount:
            raise OperatorError(
                f"{control} does not take {setting!r} ({error.strerror}): run the command in a "
                "cgroup that is delegated to it, for instance with `systemd-run --scope "
                "--property=Delegate=yes`, or as a container's first process"
            ) from error
        leaf = hierarchy.own / CALLERS
        leaf.mkdir(exist_ok=True)
        for process in (hierarchy.own / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (leaf / "cgroup.procs").write_text(process)
        control.write_text(setting)
