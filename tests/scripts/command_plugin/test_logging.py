"""Logging of a command's output while it runs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts.command_plugin.client import LOCAL, REMOTE, Plugin, urn
from tests.scripts.command_plugin.conftest import Command

PRINT = "echo out; echo err >&2"
EXPECTED = {
    None: {"out", "err"},
    "stdoutAndStderr": {"out", "err"},
    "stdout": {"out"},
    "stderr": {"err"},
    "none": set[str](),
}


@pytest.mark.parametrize("logging", EXPECTED)
@pytest.mark.parametrize("token", [REMOTE, LOCAL])
def test_modes(plugin: Plugin, command: Command, token: str, logging: str | None) -> None:
    inputs = command(PRINT) if token == REMOTE else {"create": PRINT}
    if logging is not None:
        inputs["logging"] = logging
    name = f"{token}-{logging}".replace(":", "-")
    _, state = plugin.create(token, inputs, name=name)
    assert {line.text for line in plugin.log.lines(urn(token, name))} == EXPECTED[logging]
    assert (state["stdout"], state["stderr"]) == ("out", "err")


def test_lines_are_logged_one_by_one_and_ephemeral(plugin: Plugin, command: Command) -> None:
    plugin.create(REMOTE, command(r"printf 'a\nb\r\n\nc'"), name="lines")
    lines = plugin.log.lines(urn(REMOTE, "lines"))
    assert [line.text for line in lines] == ["a", "b", "", "c"]
    assert all(line.passing and line.severity == "info" for line in lines)


def test_no_logging_keeps_output_out_of_every_message(plugin: Plugin, command: Command) -> None:
    plugin.create(
        REMOTE, command("echo $((6*7))-topsecret; cat >&2", logging="none", stdin="quiet")
    )
    said = "\n".join(line.text for line in plugin.log.lines())
    assert "42-topsecret" not in said
    assert "quiet" not in said


@pytest.mark.parametrize("token", [REMOTE, LOCAL])
def test_output_is_shown_while_the_command_runs(
    plugin: Plugin, command: Command, tmp_path: Path, token: str
) -> None:
    go_on = tmp_path / "go-on"
    script = f"echo begun; until [ -e {go_on} ]; do sleep 0.01; done; echo ended"
    inputs = command(script) if token == REMOTE else {"create": script}
    with _released(go_on), ThreadPoolExecutor(1) as thread:
        created = thread.submit(plugin.create, token, inputs, name="stream")
        plugin.log.wait_for("begun", urn=urn(token, "stream"), timeout=20)
        assert not created.done()
        go_on.touch()
        assert created.result()[1]["stdout"] == "begun\nended"


@contextmanager
def _released(path: Path) -> Iterator[None]:
    """Let a command that waits for a file end, whatever happens."""
    try:
        yield
    finally:
        path.touch()
