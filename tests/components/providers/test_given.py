"""Inputs that are given to one run alone, with the real engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.components.providers.source import FAIL
from tests.components.providers.whisper import WhisperProvider
from tests.small_stack import Stack

PROGRAM = """
import pulumi

from tests.components.providers.source import Source, SourceArgs
from tests.components.providers.whisper import Whisper, WhisperArgs

config = pulumi.Config()
source = Source("source", SourceArgs(value=config.require("word")))
Whisper("whisper", WhisperArgs(
    file=config.require("file"),
    version=config.require("version"),
    secret={"said": source.given},
))
"""


@pytest.mark.slow
def test_they_reach_create_and_update_and_no_state_or_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONTINUE_ON_ERROR", "true")
    file = tmp_path / "heard"
    stack = Stack(tmp_path, PROGRAM)
    stack.configure(word="swordfish", file=str(file), version="1")
    assert stack.preview().steps()["whisper"] == "create"
    made = stack.up()
    assert made.status == 0, made.output
    assert file.read_text() == "swordfish"
    about = [text for event in made.events if "::whisper" in (text := json.dumps(event))]
    assert about
    for text in (json.dumps(_whisper(stack)), *about):
        assert "swordfish" not in text
    stack.configure(word="albatross")
    assert "whisper" not in stack.up().steps(), "no change by itself"
    stack.configure(word="cormorant", version="2")
    assert stack.up().steps()["whisper"] == "update"
    assert file.read_text() == "cormorant"

    stack.configure(word=FAIL, version="3")
    assert stack.up().status != 0
    assert _whisper(stack)["outputs"]["version"] == "2"
    stack.configure(word="puffin")
    assert stack.up().steps()["whisper"] == "update"
    assert file.read_text() == "puffin"


def _whisper(stack: Stack) -> dict[str, Any]:
    resources = json.loads(stack.state())["deployment"]["resources"]
    (found,) = (each for each in resources if each["urn"].endswith("::whisper"))
    return dict(found)


def test_of_two_resources_each_gets_its_own(tmp_path: Path) -> None:
    provider = WhisperProvider()
    files = [tmp_path / name for name in ("one", "two")]
    checked = [
        provider.check({}, {"file": str(file), "version": "1", "secret": {"said": file.name}})
        for file in files
    ]
    for each in checked:
        provider.create(each.inputs)
    assert [file.read_text() for file in files] == ["one", "two"]


def test_without_one_of_them_nothing_is_known() -> None:
    provider = WhisperProvider()
    olds = {"file": "file", "version": "1"}
    checked = provider.check(olds, {"file": "another", "version": "2"}).inputs
    found = provider.diff("", olds, checked)
    assert (found.changes, found.replaces) == (True, None)
