"""Commands in documents exist: make targets, subcommands, variables."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from scripts.fleet.__main__ import cli
from tests.docs.documents import DOCUMENTS, TOP, blocks, name, spans

# Documented, and on their way: take one out when it is there.
PLANNED = {"build", "completion", "hosts", "logs", "ssh", "status"}
FLEET = re.compile(r"(?:^|[\s=/])fleet ([a-z][a-z-]*)")
MAKE = re.compile(r"(?:^|\s)make ([a-z][a-z-]*)")
VARIABLE = re.compile(r"\bKUBEADM_FLEET_[A-Z_]+\b")


def typed(path: Path) -> Iterator[str]:
    """Yield what the reader is to type: lines of shell, and spans that are commands."""
    for block in blocks(path, "sh", "console"):
        yield from (line.partition("#")[0] if line[:1] != "#" else line[1:] for line in
                    block.splitlines())  # fmt: skip
    yield from spans(path)


def found(pattern: re.Pattern[str], path: Path) -> set[str]:
    return {match for text in typed(path) for match in pattern.findall(text)}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_make_targets_exist(path: Path) -> None:
    targets = re.findall(r"^\.PHONY: (.+)$", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert found(MAKE, path) - set(targets) == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_subcommands_exist(path: Path) -> None:
    known = set(cli.list_commands(click.Context(cli)))
    assert found(FLEET, path) - known - PLANNED == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_variables_are_read_by_the_program(path: Path) -> None:
    rooms = ("model", "ops", "components", "scripts", "tests")
    code = "".join(
        file.read_text() for room in rooms for file in sorted((TOP / room).rglob("*.py"))
    )
    assert set(VARIABLE.findall(path.read_text())) - set(VARIABLE.findall(code)) == set()
