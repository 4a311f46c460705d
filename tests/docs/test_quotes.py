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
