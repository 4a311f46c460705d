"""The archive's file: a compressed tar, encrypted, written completely or not at all."""

import os
import secrets
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from ops.errors import OperatorError, text_of
from ops.support.collection import Collection, Entry

COMPRESSION = 6


def write(
    file: Path,
    folder: str,
    collection: Collection,
    texts: dict[str, str],
    recipients: Sequence[Any],
    *,
    time: float,
    force: bool,
) -> int:
    """Write all files below `folder`, and these texts; return the size of the archive.

    Without recipients it is not encrypted. Raises OperatorError if the file exists, unless forced.
    """
    refuse_existing(file, force=force)
    with tempfile.TemporaryFile() as plain:
        _write_tar(plain, folder, collection, texts, time)
        plain.seek(0)
        with _new_file(file, force=force) as target:
            if recipients:
                import pyrage

                pyrage.encrypt_io(plain, target, list(recipients))
            else:
                while data := plain.read(1 << 20):
                    target.write(data)
            target.flush()
            return target.tell()


def refuse_existing(file: Path, *, force: bool) -> None:
    """Raise OperatorError if the file exists, unless forced, or if its folder does not."""
    if not file.parent.is_dir():
        raise OperatorError(f"{file.parent} is not a folder: name a file in one with --output")
    if file.is_dir():
        raise OperatorError(f"{file} is a folder: name a file with --output")
    if file.exists() and not force:
        raise OperatorError(f"{file} exists: name another file with --output, or use --force")


def _write_tar(
    target: IO[bytes], folder: str, collection: Collection, texts: dict[str, str], time: float
) -> None:
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=COMPRESSION) as tar:
        for path, text in texts.items():
            content = text.encode()
            tar.addfile(_member(f"{folder}/{path}", len(content), time), BytesIO(content))
        for entry in collection.entries:
            reader = _Reader(collection, entry)
            tar.addfile(_member(f"{folder}/{entry.path}", entry.size, time), reader)  # type: ignore[arg-type]


def _member(path: str, size: int, time: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mtime, member.mode = size, int(time), 0o600
    return member


class _Reader:
    """What tarfile reads an entry with."""

    def __init__(self, collection: Collection, entry: Entry) -> None:
        self._pieces = collection.content(entry)
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


@contextmanager
def _new_file(file: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """Yield a file that gets its name at the end: until then nothing is in the folder."""
    handle, name = _open(file)
    try:
        with os.fdopen(handle, "w+b") as target:
            yield target
            os.fsync(target.fileno())
            _publish(name or f"/proc/self/fd/{target.fileno()}", file, force=force)
    except FileExistsError:
        raise OperatorError(f"{file} exists now: name another file with --output") from None
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {text_of(error)}") from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def _open(file: Path) -> tuple[int, str]:
    """Return a new file with mode 0600, and its name: none where the file system can do without."""
    try:
        return os.open(file.parent, os.O_TMPFILE | os.O_RDWR, 0o600), ""
    except OSError:
        pass
    try:
        return tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written: {text_of(error)}") from None


def _publish(source: str, file: Path, *, force: bool) -> None:
    if not force:
        _link(source, file)
        return
    new = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    _link(source, new)
    try:
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _link(source: str, file: Path) -> None:
    folder = os.open(file.parent, os.O_PATH)
    try:
        # Links are followed only where a folder is named this way.
        os.link(source, file.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)
