"""Files in the format of etcd snapshots."""

import hashlib
from pathlib import Path

from model.snapshot import MAGIC

PAGES = bytes(16) + MAGIC + bytes(4096 - 20) + b"every object" + bytes(4096 - 12)


def write(path: Path, pages: bytes = PAGES) -> str:
    """Write a snapshot as `etcdctl snapshot save` does; return the sha256 of the file."""
    content = pages + hashlib.sha256(pages).digest()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()
