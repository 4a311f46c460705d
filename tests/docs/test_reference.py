"""The config reference and the editors' schema: current, complete, and with examples that work."""

import re
from pathlib import Path
from typing import Any

import pytest

from model.config.errors import dotted
from model.config.parse import read
from scripts import (
    alert_rules,
    config_reference,
    dashboard,
    port_reference,
    report_schema,
    schema,
)
from scripts.config_reference import LISTED, Key

KEYS = list(config_reference.keys())


@pytest.mark.parametrize("file", [alert_rules, config_reference, dashboard, port_reference, schema])
def test_the_checked_in_file_is_current(file: Any) -> None:
    path = getattr(file, "REFERENCE", None) or file.SCHEMA
    assert path.read_text() == file.rendered(), "run `make schema`"


@pytest.mark.parametrize("path", report_schema.DOCUMENTS, ids=lambda path: path.name)
def test_the_checked_in_schema_of_a_document_is_current(path: Path) -> None:
    assert path.read_text() == report_schema.rendered(path), "run `make schema`"


def section(part: str) -> str:
    text = config_reference.REFERENCE.read_text()
    return text.partition(f"\n## {part}\n")[2].partition("\n## ")[0]


def test_every_key_of_every_part_is_listed() -> None:
    definitions = schema.stack_schema()["$defs"]
    for part, definition in definitions.items():
        listed = section(part)
        assert [key for key in definition["properties"] if f"\n| `{key}` |" not in listed] == []


def test_the_schema_accepts_optional_keys_without_value_as_the_program_does() -> None:
    fleet = schema.stack_schema()["properties"]["config"]["properties"]["kubeadm-fleet:fleet"]
    for described in (fleet, *schema.stack_schema()["$defs"].values()):
        properties = described.get("properties", {})
        nullable = {key for key in properties if schema.NULL in properties[key].get("anyOf", ())}
        assert nullable == properties.keys() - set(described.get("required", ()))


def nested(key: Key) -> Any:
    """Return a config that holds the key's example and nothing else."""
    value = key.example
    for part in reversed(key.path):
        value = [value] if part == LISTED else {part: value}
    return value


@pytest.mark.parametrize("key", KEYS, ids=lambda key: ".".join(map(str, key.path)))
def test_examples_are_valid_at_their_path(key: Key) -> None:
    at_or_below = re.compile(rf"{re.escape(dotted(key.path))}([.\[].*)?")
    found = read(nested(key)).problems
    assert [each for each in found if at_or_below.fullmatch(each.path)] == []


def test_computed_defaults_are_shown() -> None:
    rows = [line.split(" | ") for line in section("Upgrades").splitlines()]
    defaults = {row[0]: row[2] for row in rows if len(row) > 2}
    assert defaults["| `drainTimeout`"] == "`120`"
    assert defaults["| `maxUnavailable`"] == "`1`"
