"""Previews, which never reach a host."""

from pathlib import Path
from typing import Any

import pytest

from tests.scripts.command_plugin.client import COPY, LOCAL, REMOTE, Plugin
from tests.scripts.command_plugin.values import OUTPUT, SIGNATURE, UNKNOWN, secret, text_asset

# Nothing listens there, and it would be tried endlessly.
NOWHERE = secret(
    {"host": "127.0.0.1", "port": 1, "user": "u", "dialErrorLimit": -1, "perDialTimeout": 1}
)


def test_a_create(plugin: Plugin) -> None:
    inputs = {"create": "echo x", "stdin": secret("s"), "connection": NOWHERE}
    number, state = plugin.create(REMOTE, inputs, name="made", preview=True)
    assert number.startswith("made")
    assert state == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}


def test_a_create_with_unknown_inputs(plugin: Plugin) -> None:
    inputs = {
        "create": UNKNOWN,
        "environment": UNKNOWN,
        "triggers": [UNKNOWN, "a"],
        "connection": {SIGNATURE: OUTPUT, "secret": True},
    }
    _, state = plugin.create(REMOTE, inputs, preview=True)
    assert state == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}


@pytest.mark.parametrize(
    ("changed", "output"),
    [
        ({}, "before"),
        ({"create": "echo new"}, UNKNOWN),
        ({"create": UNKNOWN}, UNKNOWN),
        # As with the release: an input that was not there before counts for nothing.
        ({"stdin": "new"}, "before"),
    ],
)
def test_an_update(plugin: Plugin, changed: dict[str, Any], output: str) -> None:
    inputs = {"create": "echo old", "connection": NOWHERE}
    old = {**inputs, "stdout": "before", "stderr": ""}
    state = plugin.update(REMOTE, old, {**inputs, **changed}, preview=True)
    stderr = UNKNOWN if output == UNKNOWN else ""
    assert state == {**inputs, **changed, "stdout": output, "stderr": stderr}


def test_a_copy(plugin: Plugin) -> None:
    inputs = {"connection": NOWHERE, "remotePath": "/x", "source": text_asset("t", "d")}
    number, state = plugin.create(COPY, inputs, preview=True)
    assert number == ""
    assert state["remotePath"] == "/x"
    assert state["connection"] == NOWHERE


def test_a_local_command_is_not_run(plugin: Plugin, tmp_path: Path) -> None:
    inputs = {"create": f"touch {tmp_path}/ran", "assetPaths": ["*"]}
    _, state = plugin.create(LOCAL, inputs, preview=True)
    assert state == {**inputs, "stdout": UNKNOWN, "stderr": UNKNOWN}
    assert not (tmp_path / "ran").exists()
