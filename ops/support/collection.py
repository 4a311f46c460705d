"""What was gathered so far, and what is missing: complete at any moment, as time may end.

Contents are in one file without a name, which nobody else can open, and which is gone with the
process, however that ends.
"""

import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

CHUNK = 1 << 20


class Ended(Exception):
    """The time is over: nothing is added any more."""


@dataclass
class Entry:
    """A file of the archive: where its pieces are, and why it is not complete, if it is not."""

    path: str
    source: str
    size: int = 0
    pieces: list[tuple[int, int]] = field(default_factory=list)
    cut: str = ""


@dataclass(frozen=True)
class Missing:
    """Something that was not obtained, where it would have come from, and why."""

    name: str
    source: str
    reason: str


class Collection:
    """Files by path; any number of threads may add to it until it is ended."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it lasts as long as this object)
        self._end = 0
        self._lock = threading.Lock()
        self._is_ended = False
        self._entries: dict[str, Entry] = {}
        self._missing: dict[str, Missing] = {}
        self._pending: dict[str, str] = {}

    @property
    def entries(self) -> list[Entry]:
        """The files, by path."""
        with self._lock:
            return sorted(self._entries.values(), key=lambda entry: entry.path)

    @property
    def missing(self) -> list[Missing]:
        """What was not obtained."""
        with self._lock:
            return sorted(self._missing.values(), key=lambda missing: missing.name)

    def expect(self, source: str, names: Iterable[str]) -> None:
        """Say what is going to be added: what then is not, is missing."""
        with self._lock:
            self._pending.update(dict.fromkeys(names, source))

    def add(self, source: str, path: str, content: bytes, *, cut: str = "") -> None:
        """Add to a file, or begin it; raises Ended."""
        with self._lock:
            if self._is_ended:
                raise Ended
            entry = self._entries.setdefault(path, Entry(path, source))
            entry.cut = cut or entry.cut
            if content:
                self._file.seek(self._end)
                self._file.write(content)
                entry.pieces.append((self._end, len(content)))
                entry.size += len(content)
                self._end += len(content)

    def done(self, name: str) -> None:
        """Say that what was expected is complete."""
        with self._lock:
            self._pending.pop(name, None)

    def miss(self, source: str, name: str, reason: str) -> None:
        """Say that something was not obtained, and why."""
        with self._lock:
            if not self._is_ended:
                self._pending.pop(name, None)
                self._missing[name] = Missing(name, source, reason)

    def fail(self, source: str, names: Iterable[str], reason: str) -> None:
        """Say that what is still expected of these is not obtained; of none, one thing is said."""
        with self._lock:
            if self._is_ended:
                return
            pending = [name for name in names if self._pending.pop(name, None)]
            if not any(entry.source == source for entry in self._entries.values()):
                pending = [source]
            for name in pending:
                self._miss(name, source, reason)

    def _miss(self, name: str, source: str, reason: str) -> None:
        if name in self._entries:
            self._entries[name].cut = reason
        else:
            self._missing[name] = Missing(name, source, reason)

    def end(self, reason: str) -> None:
        """Accept nothing any more; what is still expected is missing for this reason."""
        with self._lock:
            self._is_ended = True
            begun = {entry.source for entry in self._entries.values()}
            for name, source in self._pending.items():
                self._miss(name if source in begun else source, source, reason)
            self._pending.clear()

    def content(self, entry: Entry) -> Iterator[bytes]:
        """Yield what a file has."""
        for start, size in entry.pieces:
            for position in range(start, start + size, CHUNK):
                with self._lock:
                    self._file.seek(position)
                    data = self._file.read(min(CHUNK, start + size - position))
                yield data

    def size_of(self, source: str) -> int:
        """Return the bytes of a source's files."""
        return sum(entry.size for entry in self.entries if entry.source == source)
