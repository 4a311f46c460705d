"""Helpers for tests of documents: code blocks, links and spans."""

import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), *TOP.glob("scripts/*/README.md"))
    if path.is_file()
)
RUNBOOKS = sorted(TOP.glob("docs/runbooks/*.md"))
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def name(path: Path) -> str:
    return str(path.relative_to(TOP))


def blocks(path: Path, *languages: str) -> Iterator[str]:
    """Yield the code blocks of these languages."""
    for match in _BLOCK.finditer(path.read_text()):
        if match[2] in languages:
            yield match[3]


def without_blocks(path: Path) -> str:
    return _BLOCK.sub("", path.read_text())


def spans(path: Path) -> Iterator[str]:
    """Yield what stands in backticks."""
    for match in re.finditer(r"`([^`\n]+(?:\n[^`\n]+)?)`", without_blocks(path)):
        yield re.sub(r"\s+", " ", match[1])
