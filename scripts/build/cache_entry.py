"""A place in the cache that is made once: by one process at a time, whole or not at all."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.build.progress import megabytes, say


class MakerError(Exception):
    """Something cannot be made; the message says why and what to do."""


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of `target`; say so when another process holds it, and wait.

    The kernel gives the lock back when its holder dies, however it dies.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.parent / f".{target.name}.lock"
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is making {target.name}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `target` in one step when the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name}.part"
    remove(part)
    yield part
    part.replace(target)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def require_space(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin when fewer than `needed` bytes are free at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MakerError(
            f"{what} needs {megabytes(needed)} and {folder} has {megabytes(free)} free: "
            "make room, or set KUBEADM_FLEET_CACHE to a folder on a larger disk"
        )
