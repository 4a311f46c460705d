"""Texts that machines are sent: a store on this host in which each is named by its checksum.

The program puts every text into it in each run, previews too; the providers of the same run read
it. State holds checksums only. A text that no run has put for a month is removed.
"""

import hashlib
import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from time import time

from model import paths
from ops.errors import OperatorError
from ops.private_file import make_private_folder, write_private

KEPT_SECONDS = 30 * 24 * 3600


def put(text: str) -> str:
    """Store a text, unless it is there; return its checksum."""
    digest = _checksum(text.encode())
    path = _folder(paths.content_dir()) / digest
    if _read(path) == text.encode():
        os.utime(path)
    else:
        write_private(path, text)
    return digest


def get(digest: str) -> str:
    """Return the text of this checksum; raise OperatorError if it is missing or damaged."""
    content = _read(file(digest))
    if content is None or _checksum(content) != digest:
        raise OperatorError(
            f"{file(digest)} is missing or damaged: run `fleet up` again to write it"
        )
    return content.decode()


def file(digest: str) -> Path:
    """Return the path of the text of this checksum."""
    return paths.content_dir() / digest


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


@cache
def _folder(folder: Path) -> Path:
    """Create the folder and remove from it what is no longer used; once a process."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    make_private_folder(folder)
    oldest = time() - KEPT_SECONDS
    for path in folder.iterdir():
        # Another run may remove or replace it at the same time.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
    return folder
