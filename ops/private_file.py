"""Files that only their owner may read, written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def create_once(path: Path, content: str) -> None:
    """Create a file with mode 0600 unless it exists; of two at once one wins, whole."""
    if path.exists():
        return
    with _complete_file(path, content) as new:
        try:
            os.link(new, path)
        except FileExistsError:
            return


def write_private(path: Path, content: str) -> None:
    """Replace a file by one with mode 0600; a reader sees the old content or the new one.

    Written by root (sudo) into another user's folder, it belongs to that user.
    """
    with _complete_file(path, content) as new:
        if os.geteuid() == 0:
            folder = path.parent.stat()
            os.chown(new, folder.st_uid, folder.st_gid)
        new.replace(path)


@contextmanager
def _complete_file(path: Path, content: str) -> Iterator[Path]:
    """Give a file with mode 0600 beside the one that it is to become, safely on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
