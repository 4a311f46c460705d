"""What `fleet status` keeps between runs: what clusters last said, and what is slow to find out.

It is a cache: a file that is missing, damaged or of another version is as good as none, and one
that cannot be written is no failure. Each section has a stamp, which says of what it is true.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from model.paths import state_dir
from ops.private_file import write_private

VERSION = 1


class StatusCache:
    """The sections of one stack, or of one kubeconfig."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sections: dict[str, Any] = {}
        self._is_changed = False
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["version"] == VERSION:
                self._sections = dict(document["sections"])

    def get(self, section: str, stamp: object = None) -> Any:
        """Return what was put with this stamp; None if there is nothing, or with another one."""
        entry = self._sections.get(section)
        if isinstance(entry, dict) and entry.get("stamp") == _plain(stamp):
            return entry.get("value")
        return None

    def put(self, section: str, value: Any, stamp: object = None) -> None:
        """Replace a section."""
        self._sections[section] = {"stamp": _plain(stamp), "value": value}
        self._is_changed = True

    def save(self) -> None:
        """Write what was put, for this user alone."""
        if not self._is_changed:
            return
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            content = {"version": VERSION, "sections": self._sections}
            write_private(self._path, json.dumps(content))
            self._is_changed = False

    def remove(self) -> None:
        """Remove the file, since there is nothing any more that it is about."""
        self._path.unlink(missing_ok=True)


def of_stack(stack: str) -> StatusCache:
    """Return the cache of a stack."""
    return StatusCache(state_dir() / "status" / f"{stack}.json")


def of_kubeconfig(path: Path) -> StatusCache:
    """Return the cache of a kubeconfig that is named by its path; no stack's name has a `@`."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    return StatusCache(state_dir() / "status" / f"kubeconfig@{digest[:16]}.json")


def _plain(stamp: object) -> Any:
    """Return a stamp as it is after it was written and read."""
    return json.loads(json.dumps(stamp))
