"""Files that only their owner may read, written atomically."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def create_once(path: Path, content: str) -> None:
    """Create a file with mode 0600 unless it exists; of concurrent calls one wins, completely."""
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
        _give_to_owner_of(path.parent, new)
        new.replace(path)


def rewrite(path: Path, content: str) -> None:
    """Replace a file by one with its mode and owner, atomically: not private, but a person's.

    A link stays one, and what it names is replaced.
    """
    path = path.resolve()
    former = path.stat()
    with _complete_file(path, content) as new:
        new.chmod(former.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(new, former.st_uid, former.st_gid)
        new.replace(path)


def make_private_folder(path: Path) -> None:
    """Create a folder with mode 0700 unless it exists; as root, owned by its parent's owner."""
    if not path.is_dir():
        path.mkdir(mode=0o700)
        _give_to_owner_of(path.parent, path)


def _give_to_owner_of(folder: Path, path: Path) -> None:
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def _complete_file(path: Path, content: str) -> Iterator[Path]:
    """Yield a temporary file with mode 0600 beside `path`, with its content synced to disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
