"""Values whose names say that they are secret, in whatever notation: YAML, JSON, flags, logs."""

import re
import string
from collections.abc import Iterator

import ahocorasick_rs

from model.redaction.markers import PREFIX, Span
from model.redaction.names import WORDS, is_harmless, is_secret

KIND = "value"
LONGEST_NAME, LONGEST_VALUE = 100, 16_384
_WORDS = ahocorasick_rs.BytesAhoCorasick([word.encode() for word in WORDS])
_NAME = (string.ascii_letters + string.digits + "_.-").encode()
# An escaped quote is one in JSON within JSON. Escapes are bounded: a text may be nothing else.
_QUOTE = rb"(?:\\{0,7}[\"'`])"
# What is between a name and its value; `between` of entries with a name and a value of their own.
_ASSIGNED = re.compile(
    _QUOTE + rb"?\s{0,3}(?:(?P<sign>=>|:=|%3[Dd]|[=:])[ \t]{0,8}"
    rb"|[ \t]{0,3},?(?:\\n|\s){0,40}" + _QUOTE + rb"?[vV]alue" + _QUOTE + rb"?\s{0,3}[=:]\s{0,8})"
)
# A flag and its value as two words, or as two entries of a list.
_NEXT_WORD = re.compile(_QUOTE + rb"?,?(?:\\n|\s){1,40}(?:-[ \t]+)?|" + _QUOTE + rb",")
_GO_TYPE = re.compile(rb"\(\w+\)(?:\(0x[0-9a-f]+\))?|b(?=['\"])|[&*]")
_SCHEME = re.compile(rb"(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+", re.I)
_BLOCK = re.compile(rb"[|>][-+0-9]{0,2}[ \t]*(?:#[^\n]*)?\n")
_WORD = re.compile(rb"[^\s\x00]{1,16384}")
_BARE_JSON = re.compile(rb"[^\s,}\]\x00]{1,16384}")
_PARAMETER = re.compile(rb"[^\s&\"'`<>#\x00]{1,16384}")
_LINE = re.compile(rb"[^\n\r\x00]{1,16384}")
_QUOTED = {
    quote: re.compile(
        rb"(?:[^" + quote + rb"\\\n]|\\[^\n]|\n(?!\n)){0,16384}", re.S
    )
    for quote in (b'"', b"'", b"`")
}  # fmt: skip


def spans(text: bytes, lower: bytes) -> Iterator[Span]:
    """Yield the values in a text; `lower` is the same text in small letters."""
    position = 0
    for _, start, end in _WORDS.find_matches_as_indexes(lower, overlapping=True):
        # One name may have several of the words.
        if start < position:
            continue
        first = start - _name_length(text[max(0, start - LONGEST_NAME) : start])
        after = text[end : end + LONGEST_NAME]
        last = end + len(after) - len(after.lstrip(_NAME))
        while last > end and text[last - 1 : last] in (b".", b"-"):
            last -= 1
        name = text[first:last].strip(b".'\":=")
        if not is_secret(name.decode("ascii", errors="replace")):
            continue
        # A value that was not understood may have the next name in it.
        position = last
        # These end with the sign that assigns.
        if text[last - 1 : last] in (b":", b"="):
            last -= 1
        if found := _value(text, first, last):
            position = max(position, found.end)
            yield found


def _name_length(before: bytes) -> int:
    return len(before) - len(before.rstrip(_NAME))


def _value(text: bytes, first: int, last: int) -> Span | None:
    """Return the value of the name between these positions, if it has one that is a secret."""
    assigned = _ASSIGNED.match(text, last, last + 80)
    if assigned:
        start = assigned.end()
        if assigned["sign"] == b":" and text[start : start + 1] in (b"\n", b"\r", b""):
            # What is below a YAML key is not its value, unless it says so.
            return None
    else:
        is_flag = text[first : first + 1] == b"-"
        separated = _NEXT_WORD.match(text, last, last + 80) if is_flag else None
        if separated is None:
            return None
        start = separated.end()
        if text[start : start + 1] == b"-" or text[start + 1 : start + 2] == b"-":
            return None
    if go := _GO_TYPE.match(text, start, start + 64):
        start = go.end()
    return _bounded(text, start, first, assigned)


def _bounded(text: bytes, start: int, first: int, assigned: re.Match[bytes] | None) -> Span | None:
    if block := _BLOCK.match(text, start, start + 200):
        return _block_below(text, block.end() - 1, first)
    if text.startswith(PREFIX, start):
        return None
    quote = re.match(_QUOTE, text[start : start + 8])
    if quote:
        start += quote.end()
        escapes = quote.end() - 1
        end = _end_of_quoted(text, start, quote[0][-1:], escapes)
    elif text[start : start + 1] in (b"{", b"["):
        return _of_list(text, start)
    else:
        end = _end_of_word(text, start, first, assigned)
    value = text[start:end]
    if is_harmless(value.rstrip(b",;\"')}]\\")) or value.startswith(PREFIX):
        return None
    return Span(start, end, KIND) if end > start else None


def _end_of_quoted(text: bytes, start: int, quote: bytes, escapes: int) -> int:
    if escapes:
        # The quote that ends it is escaped as often as the one that began it.
        ending = re.compile(rb"(?<!\\)" + rb"\\" * escapes + quote)
        found = ending.search(text, start, start + LONGEST_VALUE)
        line = text.find(b"\n", start, start + LONGEST_VALUE)
        if found and (line < 0 or found.start() < line):
            return found.start()
        return line if line >= 0 else min(len(text), start + LONGEST_VALUE)
    matched = _QUOTED[quote].match(text, start)
    return matched.end() if matched else start


def _end_of_word(text: bytes, start: int, first: int, assigned: re.Match[bytes] | None) -> int:
    scheme = _SCHEME.match(text, start, start + 32)
    after = scheme.end() if scheme else start
    before = text[first - 1 : first] if first else b""
    if before in (b"?", b"&") or (assigned and assigned["sign"] in (b"%3D", b"%3d")):
        pattern = _PARAMETER
    elif _is_quoted(text, first):
        pattern = _BARE_JSON
    elif assigned and assigned["sign"] == b":" and _is_line(text, first):
        pattern = _LINE
    else:
        pattern = _WORD
    matched = pattern.match(text, after)
    if matched is None:
        return start
    end = matched.end()
    if pattern is _WORD:
        # `\n` of a text within JSON ends a word, too.
        line = text.find(b"\\n", after, end)
        end = line if line >= 0 else end
        while end > after and text[end - 1 : end] in (
            b",",
            b";",
            b'"',
            b"'",
            b")",
            b"}",
            b"]",
            b"\\",
        ):
            end -= 1
    return end


def _of_list(text: bytes, start: int) -> Span | None:
    """Return the strings of a short list: a name may have several values."""
    if text[start : start + 1] == b"[":
        end = text.find(b"]", start, start + LONGEST_VALUE)
        if end > start + 1 and b"{" not in text[start:end] and b"\n" not in text[start:end]:
            return Span(start + 1, end, KIND)
    return None


def _block_below(text: bytes, newline: int, first: int) -> Span | None:
    """Return the lines below a YAML key that are indented more than it is."""
    if not _is_line(text, first):
        return None
    indent = _indent(text, text.rfind(b"\n", 0, first) + 1)
    start = end = newline + 1
    while end < len(text):
        stop = text.find(b"\n", end)
        stop = len(text) if stop < 0 else stop
        if text[end:stop].strip() and _indent(text, end) <= indent:
            break
        end = min(len(text), stop + 1)
    end = end - 1 if text[end - 1 : end] == b"\n" else end
    return Span(start, end, KIND) if end > start else None


def _indent(text: bytes, start: int) -> int:
    line = text[start : start + 400]
    return len(line) - len(line.lstrip(b" "))


def _is_line(text: bytes, first: int) -> bool:
    before = text[max(0, first - 80) : first].rstrip(b" \t-<>*")
    return not before or before.endswith((b"\n", b"\\n"))


def _is_quoted(text: bytes, first: int) -> bool:
    return first > 0 and text[first - 1 : first] in (b'"', b"'", b"`")
