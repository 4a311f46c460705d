"""Files for concurrent use: replaced atomically, and locked by one holder at a time.

The locks are flock(2)'s. The kernel releases one when its holder ends, even if it is killed;
waiting needs no polling, a lock can be shared, and an existing folder needs no lock file.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes `target` atomically if the block succeeds.

    Leftovers of an earlier block are removed first. The path may become a file or a folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(target)
    remove(part)
    yield part
    part.replace(target)


def write_whole(target: Path, content: str) -> None:
    """Write a file atomically into an existing folder: readers see the old or the new content."""
    part = _part(target)
    part.write_text(content)
    part.replace(target)


def remove(path: Path) -> None:
    """Remove a file or folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def locked(
    path: Path, *, shared: bool = False, waiting: Callable[[], object] = lambda: None
) -> Iterator[int]:
    """Hold the lock of a folder, or of a lock file, which is created; yield its descriptor.

    `waiting` is called when another process holds it.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        if not _try(descriptor, kind):
            waiting()
            fcntl.flock(descriptor, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Try to take the exclusive lock of an open file or folder."""
    return _try(descriptor, fcntl.LOCK_EX)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")
