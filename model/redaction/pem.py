"""Private keys as PEM: within a text, across lines of a log, and where one end is missing."""

import re
from collections.abc import Iterator

from model.redaction.markers import Span

KIND = "private-key"
LABEL = rb"(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?"
BEGIN = re.compile(rb"-----BEGIN " + LABEL + rb"-----")
END = re.compile(rb"-----END " + LABEL + rb"-----")
# More lines than an RSA key of 16384 bits has; a log that only mentions a beginning goes on after.
LINES = 300
# A line that may be a part of a key, whatever a log writes in front of it.
PART = re.compile(rb"[A-Za-z0-9+/=]{40,}\s*$")


class PemKeys:
    """Finds private keys in consecutive blocks of a text."""

    def __init__(self) -> None:
        self._open_lines = 0

    def spans(self, block: bytes) -> Iterator[Span]:
        """Yield the keys of a block; one that does not end in it goes on in the next one."""
        position = 0
        if self._open_lines:
            position = self._rest(block)
            yield Span(0, position, KIND)
        elif (end := END.search(block)) and not BEGIN.search(block, 0, end.start()):
            # The text began within a key.
            start = _beginning(block, end.start())
            if start < end.start():
                yield Span(start, end.end(), KIND)
            position = end.end()
        while begin := BEGIN.search(block, position):
            end = END.search(block, begin.end())
            if end and block.count(b"\n", begin.end(), end.start()) <= LINES:
                yield Span(begin.start(), end.end(), KIND)
                position = end.end()
                continue
            stop = _after_lines(block, begin.end(), LINES)
            yield Span(begin.start(), stop, KIND)
            self._open_lines = LINES - block.count(b"\n", begin.end(), stop)
            position = stop
            if stop < len(block):
                self._open_lines = 0

    def _rest(self, block: bytes) -> int:
        """Return where a key ends that began in a block before."""
        end = END.search(block)
        stop = _after_lines(block, 0, self._open_lines)
        if end and end.end() <= stop:
            self._open_lines = 0
            return end.end()
        left = self._open_lines - block.count(b"\n")
        self._open_lines = 0 if stop < len(block) else max(0, left)
        return stop


def _after_lines(block: bytes, start: int, lines: int) -> int:
    """Return where so many lines after `start` end, or the block."""
    for _ in range(lines):
        start = block.find(b"\n", start) + 1
        if not start:
            return len(block)
    return start


def _beginning(block: bytes, end: int) -> int:
    """Return where the lines begin that are a part of the key which ends at `end`."""
    start = block.rfind(b"\n", 0, end) + 1
    # Its last line may be short.
    is_last = True
    while start:
        before = block.rfind(b"\n", 0, start - 1) + 1
        if not is_last and not PART.search(block, before, start - 1):
            return start
        is_last, start = False, before
    return 0
