"""Paths of fields, as model/consistency/facts.py writes them, step by step."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Keys; entries of lists, and keys with dots in brackets; lines of a text.
_STEP = re.compile(r"\[([^]]*)\]|\.?([^.\[]+)")
_LINE = re.compile(r":\d+$")


@dataclass(frozen=True)
class Step:
    """A key, or the name or place of an entry; `path` leads to it, and includes it."""

    name: str
    path: str


def steps_of(path: str) -> Iterator[Step]:
    """Yield the steps of a path, without the line of a text."""
    whole = _LINE.sub("", path)
    for found in _STEP.finditer(whole):
        yield Step(found[1] if found[1] is not None else found[2], whole[: found.end()])
