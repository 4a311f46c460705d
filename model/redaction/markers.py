"""What is written in place of a secret: it says what it was, and equal secrets look alike."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

PREFIX = b"<redacted:"
DIGITS = 10


@dataclass(frozen=True, order=True)
class Span:
    """A part of a text that is secret, from `start` to before `end`, and what is there instead.

    `marker` may be empty: then it is made of `kind` and the text itself.
    """

    start: int
    end: int
    kind: str
    marker: bytes = b""


class Markers:
    """Makes the markers of one archive.

    Its key exists in this process alone, so that a marker cannot be compared with guesses.
    """

    def __init__(self, key: bytes = b"") -> None:
        self._key = key or secrets.token_bytes(32)

    def of_value(self, kind: str, value: bytes) -> bytes:
        """Return the marker of a secret of which only the kind is known."""
        digest = hmac.new(self._key, value, hashlib.sha256).hexdigest()[:DIGITS]
        return PREFIX + f"{kind}:{digest}>".encode()


def of_secret(namespace: str, name: str, key: str) -> bytes:
    """Return the marker of a value of a Secret; its names are public."""
    return PREFIX + f"secret:{namespace}/{name}/{key}>".encode()


def merged(spans: list[Span]) -> list[Span]:
    """Return spans that do not overlap; of overlapping ones the first that is a Secret names it."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start < result[-1].end:
            before = result[-1]
            named = before if before.marker or not span.marker else span
            end = max(before.end, span.end)
            result[-1] = Span(before.start, end, named.kind, named.marker)
        else:
            result.append(span)
    return result
