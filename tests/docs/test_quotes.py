"""Every message quoted in a runbook exists in the program."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.docs.documents import RUNBOOKS, TOP, blocks, name

# What stands for a value in a quote, and in a format string.
PLACEHOLDER = re.compile(r"<[^<>]*>|\.\.\.")
SHORTEST = 6


def _texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module; the values of a format string cut it into pieces."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = (each.value if isinstance(each, ast.Constant) else "\0" for each in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def corpus() -> str:
    """Return everything that the program can print."""
    modules = (path for room in ("model", "ops", "components", "scripts") for path in
               sorted((TOP / room).rglob("*.py")))  # fmt: skip
    shell = (path.read_text() for path in sorted((TOP / "scripts/node").glob("*.sh")))
    return "\0".join([*(text for path in modules for text in _texts(path)), *shell])


@pytest.mark.parametrize("path", RUNBOOKS, ids=name)
def test_every_message_in_a_runbook_exists_in_the_program(path: Path) -> None:
    pieces = [
        piece.strip()
        for block in blocks(path, "text")
        for line in block.splitlines()
        for piece in PLACEHOLDER.split(line)
    ]
    unknown = [each for each in pieces if len(each) >= SHORTEST and each not in corpus()]
    assert unknown == [], "the program says it otherwise now: correct the runbook"


def quoted_in_tables(path: Path) -> Iterator[str]:
    """Yield the spans in the first column of tables about messages."""
    is_about_messages = False
    for line in path.read_text().splitlines():
        first, second = [*line.strip().split("|"), "", ""][:2]
        if first or not second:
            is_about_messages = False
        elif second.strip().startswith("message"):
            is_about_messages = not second.strip().endswith("about")
        elif is_about_messages:
            yield from re.findall(r"`([^`]+)`", second)


@pytest.mark.parametrize("path", RUNBOOKS, ids=name)
def test_every_message_in_a_table_of_a_runbook_exists_in_the_program(path: Path) -> None:
    pieces = [piece.strip() for span in quoted_in_tables(path) for piece in PLACEHOLDER.split(span)]
    assert [piece for piece in pieces if piece not in corpus()] == []


def test_tables_of_messages_are_found() -> None:
    found = list(quoted_in_tables(TOP / "docs/runbooks/step-failed.md"))
    assert "containerd failed to load its CRI plugin" in found
