"""The cgroups of a fresh machine: a tree of its own, removed when the machine has ended."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
SCOPE = ("systemd-run", "--scope", "--quiet", "--property=Delegate=yes")
# Writes its own id into the files before "--", then becomes the command behind it.
ENTER = 'while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift; exec "$@"'
LEAVE_SECONDS = 20
POLL_SECONDS = 0.05


@contextmanager
def entering() -> Iterator[tuple[str, ...]]:
    """Yield the prefix of a command that runs in cgroups of its own; remove them at the end.

    systemd delegates a scope. Without it each hierarchy of cgroup v1 gets a folder; where there is
    cgroup v2 alone, the caller's own cgroup serves.
    """
    if SYSTEMD.is_dir():
        yield SCOPE
        return
    folders = [own / f"kubeadm-fleet-prove-{os.getpid()}" for own in _own()]
    try:
        for folder in folders:
            folder.mkdir()
            for setting in ("cpuset.cpus", "cpuset.mems"):
                # A new cpuset of cgroup v1 is empty and takes no process until it has both.
                if (folder / "cpuset.effective_cpus").exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())
        yield ("sh", "-c", ENTER, "enter", *(f"{folder}/cgroup.procs" for folder in folders), "--")
    finally:
        for folder in folders:
            _remove(folder)


def _own() -> list[Path]:
    """The caller's cgroup in each hierarchy whose root is mounted (cgroups(7))."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    paths = {name: path for _, names, path in lines for name in names.split(",")}
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, source = line.partition(" - ")
        _, _, _, root, place, *_ = fields.split()
        kind, _, options = source.split()
        names = [""] if kind == "cgroup2" else options.split(",")
        path = next((paths[name] for name in names if name in paths), None)
        if kind in ("cgroup", "cgroup2") and root == "/" and path is not None:
            found.append(Path(place + path))
    return found if set(paths) - {""} else []


def _remove(folder: Path) -> None:
    """Remove a cgroup with those inside, once the kernel has released their last processes."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        for inner, _, _ in os.walk(folder, topdown=False):
            with suppress(OSError):
                Path(inner).rmdir()
        time.sleep(POLL_SECONDS)
