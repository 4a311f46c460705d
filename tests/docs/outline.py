"""What a translation of a document keeps: its sections, code, links, images and tables.

`out_of_step` compares two texts in Markdown, and names the section and the part that differ.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TypeVar

_HEADING = re.compile(r"(#+) (.+)")
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_SHOWN = 60


class Part(NamedTuple):
    """A paragraph, an item of a list, a row of a table, or a code block."""

    kind: str
    kept: tuple[str, ...]
    text: str

    @property
    def signature(self) -> tuple[str, ...]:
        return self.kind, *self.kept

    @property
    def numbers(self) -> Counter[str]:
        return Counter() if self.kind == "block" else Counter(_NUMBER.findall(_prose(self.text)))

    def __str__(self) -> str:
        first = self.text.splitlines()[0 if self.kind != "block" else 1]
        return f"{self.kind} {first[:_SHOWN]!r}"


class Section(NamedTuple):
    """A heading, and everything down to the next one of whatever level."""

    level: int
    title: str
    parts: tuple[Part, ...]

    @property
    def signature(self) -> tuple[object, ...]:
        return self.level, *(part.signature for part in self.parts)

    def __str__(self) -> str:
        return f"section {'#' * self.level} {self.title}"


Kind = TypeVar("Kind", Section, Part)


def sections(text: str) -> list[Section]:
    """Return the sections of a document that begins with a heading."""
    found: list[tuple[int, str, list[Part]]] = []
    for lines in _chunks(text):
        heading = _HEADING.fullmatch(lines[0])
        if heading:
            found.append((len(heading[1]), heading[2], []))
        else:
            found[-1][2].append(_part(lines))
    return [Section(level, title, tuple(parts)) for level, title, parts in found]


def _chunks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each heading and each part."""
    current: list[str] = []
    for line in text.splitlines():
        if current and current[0].startswith("```"):
            current.append(line)
            if line == "```":
                yield current
                current = []
            continue
        if current and (not line.strip() or line.startswith(("#", "- ", "|", "```"))):
            yield current
            current = []
        if line.strip():
            current.append(line)
    if current:
        yield current


def _part(lines: list[str]) -> Part:
    text, first = "\n".join(lines), lines[0]
    if first.startswith("```"):
        return Part("block", (text,), text)
    spans = sorted("`" + " ".join(each.split()) + "`" for each in _SPAN.findall(text))
    links = sorted(f"{mark}[]({target})" for mark, target in _LINK.findall(_SPAN.sub("`", text)))
    kind = "item" if first.startswith("- ") else "paragraph"
    if first.startswith("|"):
        kind = f"row of {_SPAN.sub('', text).count('|') - 1}"
    return Part(kind, (*spans, *links), text)


def _prose(text: str) -> str:
    return _LINK.sub("", _SPAN.sub("", text))


def out_of_step(original: str, translation: str) -> list[str]:
    """Return each difference, with the section in which it is."""
    return list(_of_sections(sections(original), sections(translation)))


def _of_sections(ours: Sequence[Section], theirs: Sequence[Section]) -> Iterator[str]:
    for left, right in _aligned(ours, theirs):
        if len(left) != len(right):
            yield from (f"{each}: has no counterpart in the translation" for each in left)
            yield from (f"{each}: has no counterpart in the original" for each in right)
            continue
        for one, other in zip(left, right, strict=True):
            where = f"{one} ({other.title})"
            if one.level != other.level:
                yield f"{where}: level {one.level} became {other.level}"
            yield from (f"{where}: {each}" for each in _of_parts(one.parts, other.parts))


def _of_parts(ours: Sequence[Part], theirs: Sequence[Part]) -> Iterator[str]:
    for left, right in _aligned(ours, theirs):
        if len(left) != len(right):
            yield from (f"{each} has no counterpart in the translation" for each in left)
            yield from (f"{each} has no counterpart in the original" for each in right)
            continue
        for one, other in zip(left, right, strict=True):
            yield from (f"{one}: {each}" for each in _of_part(one, other))


def _of_part(one: Part, other: Part) -> Iterator[str]:
    if one.kind != other.kind:
        yield f"became a {other.kind}"
    elif one.kind == "block" and one.text != other.text:
        yield from _of_lines(one.text.splitlines(), other.text.splitlines())
    else:
        kept, found = Counter(one.kept), Counter(other.kept)
        yield from (f"lacks {each}" for each in sorted((kept - found).elements()))
        yield from (f"has {each} as well" for each in sorted((found - kept).elements()))
        # A translation may write "two" as 2.
        yield from (f"lacks the number {each}" for each in sorted(one.numbers - other.numbers))


def _of_lines(ours: list[str], theirs: list[str]) -> Iterator[str]:
    for tag, low, high, first, last in SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if tag != "equal":
            yield f"{ours[low:high]} became {theirs[first:last]}"


def _aligned(
    ours: Sequence[Kind], theirs: Sequence[Kind]
) -> Iterator[tuple[Sequence[Kind], Sequence[Kind]]]:
    """Yield what belongs together: runs of equal signatures, and what is between them."""
    signatures = [each.signature for each in ours], [each.signature for each in theirs]
    for _, low, high, first, last in SequenceMatcher(None, *signatures, False).get_opcodes():
        yield ours[low:high], theirs[first:last]
