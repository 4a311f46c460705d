"""An etcd snapshot file as written by `etcdctl snapshot save`.

It is a bolt database followed by its sha256. A copy of a member's database has no such checksum and
may contain an incomplete change.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model.snapshot_content import recorded_networks

CHUNK = 1 << 20
# https://github.com/etcd-io/bbolt/blob/main/internal/common/meta.go: the magic number of the first
# meta page, behind the page's own header.
MAGIC = (0xED0CDAED).to_bytes(4, "little")
MAGIC_AT = 16
# Every page size is a multiple of this.
SECTOR = 512
SUM_LENGTH = hashlib.sha256().digest_size


class SnapshotError(ValueError):
    """The file is not a snapshot that can be restored; the message says why."""


@dataclass(frozen=True)
class Snapshot:
    """A snapshot at the time the config was loaded; `sha256` is that of the complete file.

    `networks` are those of its cluster and the endpoint, by their keys in the config, if known.
    """

    path: str
    sha256: str
    networks: Mapping[str, str] = field(default_factory=dict)

    @property
    def acknowledgement(self) -> str:
        """The consent that a snapshot implies: loss of all other data, once per path and content.

        A backup always written to the same path differs each time; the same content under another
        path is a new consent.
        """
        return f"{self.path} sha256:{self.sha256}"


def read(path: str) -> Snapshot:
    """Read the complete file once and verify its checksum; raise SnapshotError."""
    try:
        checksum = _checked(Path(path))
        return Snapshot(path, checksum, recorded_networks(Path(path)))
    except FileNotFoundError:
        raise SnapshotError("no such file on this host") from None
    except (OSError, ValueError) as error:
        if isinstance(error, SnapshotError):
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise SnapshotError(f"the file cannot be read: {reason}") from None


def _checked(path: Path) -> str:
    if not path.is_file() and path.exists():
        raise SnapshotError("not a regular file")
    size = path.stat().st_size
    pages = hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(MAGIC_AT + len(MAGIC))
        if head[MAGIC_AT:] != MAGIC:
            raise SnapshotError("not an etcd snapshot: it does not start like a bolt database")
        if size % SECTOR != SUM_LENGTH:
            raise SnapshotError(
                "incomplete snapshot: the checksum at its end is missing, as in a copy of a "
                "member's database"
            )
        file.seek(0)
        left = size - SUM_LENGTH
        while left and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            pages.update(chunk)
        end = file.read()
    if end != pages.digest():
        raise SnapshotError("corrupt: its content does not match the checksum at its end")
    pages.update(end)
    return pages.hexdigest()
