"""Takes secrets out of texts: once, before they are written; a text may be a log of any length.

A text is read in blocks of whole lines, so that memory is bounded. A line that is longer than a
block is cut there, since a secret could be anywhere in it and must be seen whole.
"""

from collections.abc import Iterator

from model.redaction import credentials, named_values
from model.redaction.markers import Markers, Span, merged
from model.redaction.pem import PemKeys
from model.redaction.secret_values import SecretValues

BLOCK = 256 << 10
LONGEST_LINE = 1 << 20
# What is near the end of a line that is cut may be the beginning of a secret.
MARGIN = 32 << 10
# A few lines of the block before are seen again with the next one: a secret may take several.


class TextRedactor:
    """What is known of the secrets of one archive; one object for all of its texts."""

    def __init__(self, values: SecretValues, markers: Markers | None = None) -> None:
        self._values = values
        self.markers = markers or Markers()

    def text(self, text: str) -> str:
        """Return a short text without secrets."""
        return self.block(text.encode("utf-8", errors="surrogateescape")).decode(
            "utf-8", errors="replace"
        )

    def block(self, text: bytes, keys: PemKeys | None = None) -> bytes:
        """Return a text without secrets; `keys` knows what the text before this one began."""
        return self._replaced(text, self._spans(text, keys or PemKeys()))

    def stream(self) -> "RedactedStream":
        """Begin a text that arrives in pieces."""
        return RedactedStream(self)

    def _replaced(self, text: bytes, spans: list[Span]) -> bytes:
        parts, position = [], 0
        for span in spans:
            parts.append(text[position : span.start])
            secret = text[span.start : span.end]
            parts.append(span.marker or self.markers.of_value(span.kind, secret))
            position = span.end
        parts.append(text[position:])
        return b"".join(parts)

    def _spans(self, text: bytes, keys: PemKeys, depth: int = 0) -> list[Span]:
        return merged(list(self._found(text, keys, depth)))

    def _found(self, text: bytes, keys: PemKeys, depth: int) -> Iterator[Span]:
        lower = text.lower()
        yield from keys.spans(text)
        yield from self._values.spans(text)
        yield from credentials.by_form(text, lower)
        yield from named_values.spans(text, lower)
        yield from credentials.encoded(text, self._is_secret, depth)

    def _is_secret(self, content: bytes, depth: int) -> bool:
        return next(self._found(content, PemKeys(), depth), None) is not None


class RedactedStream:
    """A text that arrives in pieces and leaves without secrets, in whole lines."""

    def __init__(self, redactor: TextRedactor) -> None:
        self._redactor = redactor
        self._keys = PemKeys()
        self._waiting = bytearray()
        self._is_in_cut_line = False

    def feed(self, data: bytes) -> bytes:
        """Take a piece; return what can be written."""
        self._waiting += data
        written = []
        while len(self._waiting) >= BLOCK:
            end = self._waiting.rfind(b"\n") + 1
            if end:
                written.append(self._block(end))
            elif len(self._waiting) > LONGEST_LINE:
                written.append(self._cut())
            else:
                break
        return b"".join(written)

    def finish(self, *, is_complete: bool = True) -> bytes:
        """Return the rest; of a text that was cut off, its last line is dropped."""
        end = len(self._waiting) if is_complete else self._waiting.rfind(b"\n") + 1
        return self._block(end) if end else b""

    def _block(self, end: int) -> bytes:
        block = bytes(self._waiting[:end])
        del self._waiting[:end]
        if self._is_in_cut_line:
            self._is_in_cut_line = False
            block = block[block.find(b"\n") + 1 :] if b"\n" in block else b""
        return self._redactor.block(block, self._keys)

    def _cut(self) -> bytes:
        """Return the beginning of a line that is too long; the rest of it is not written."""
        block = bytes(self._waiting)
        self._waiting.clear()
        if self._is_in_cut_line:
            return b""
        self._is_in_cut_line = True
        spans = self._redactor._spans(block, self._keys)
        limit = LONGEST_LINE - MARGIN
        kept = [span for span in spans if span.start < limit]
        limit = max(limit, kept[-1].end if kept else 0)
        return self._redactor._replaced(block[:limit], kept) + b"... <cut: the line is too long>\n"
