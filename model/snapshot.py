"""A snapshot of etcd in a file, as `etcdctl snapshot save` writes it.

It is a bolt database with the sha256 of all of it behind its last page. A copy of a member's own
database has no such sum: what is in it may be half of a change.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
# https://github.com/etcd-io/bbolt/blob/main/internal/common/meta.go: the magic number of the first
# meta page, behind the page's own header.
MAGIC = (0xED0CDAED).to_bytes(4, "little")
MAGIC_AT = 16
# Whatever the page size is, it is a multiple of this.
SECTOR = 512
SUM_LENGTH = hashlib.sha256().digest_size


class SnapshotError(ValueError):
    """A file is no snapshot that can be restored; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as it was when the config was read; `sha256` is that of the whole file."""

    path: str
    sha256: str

    @property
    def acknowledgement(self) -> str:
        """What giving it consents to: the loss of everything else, once for this path and content.

        A backup that is always written to the same path is another one every time; the same
        content counts again under another path.
        """
        return f"{self.path} sha256:{self.sha256}"


def read(path: str) -> Snapshot:
    """Read the file once, whole, and check it against its own sum; raise SnapshotError."""
    try:
        return Snapshot(path, _checked(Path(path)))
    except FileNotFoundError:
        raise SnapshotError("there is no such file on this machine") from None
    except (OSError, ValueError) as error:
        if isinstance(error, SnapshotError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise SnapshotError(f"the file cannot be read: {reason}") from None


def _checked(path: Path) -> str:
    if not path.is_file() and path.exists():
        raise SnapshotError("not a file")
    size = path.stat().st_size
    pages = hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(MAGIC_AT + len(MAGIC))
        if head[MAGIC_AT:] != MAGIC:
            raise SnapshotError("not a snapshot of etcd: it does not begin like a bolt database")
        if size % SECTOR != SUM_LENGTH:
            raise SnapshotError(
                "not a whole snapshot: the sum at its end is missing, as it is in a copy of a "
                "member's own database"
            )
        file.seek(0)
        left = size - SUM_LENGTH
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            pages.update(chunk)
        end = file.read()
    if end != pages.digest():
        raise SnapshotError("damaged: what is in it is not what the sum at its end says")
    pages.update(end)
    return pages.hexdigest()
