"""The plugin with the real engine."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts.command_plugin.client import STAND_IN
from tests.scripts.command_plugin.process import wait_until_gone
from tests.scripts.command_plugin.sshd import KeyPair, Sshd
from tests.scripts.command_plugin.stack import Stack
from tests.waiting import await_true

pytestmark = pytest.mark.slow

STDIN = "what goes in is secret"


@pytest.fixture
def stack(host: Sshd, key: KeyPair, tmp_path: Path) -> Iterator[Stack]:
    """A stack that is destroyed at the end."""
    with made(tmp_path, host, key) as stack:
        yield stack


@contextmanager
def made(
    folder: Path, host: Sshd, key: KeyPair, plugin: tuple[str, ...] | None = None
) -> Iterator[Stack]:
    (folder / "stack").mkdir()
    (folder / "source").write_text("to be copied")
    stack = Stack(folder / "stack", plugin)
    options = {
        "host": "host",
        "port": "port",
        "user": "user",
        "privateKey": "private_key",
        "hostKey": "host_key",
    }
    connection = host.connection(key)
    stack.configure(
        connection=json.dumps({name: connection[each] for each, name in options.items()}),
        first="cat; echo made >&2",
        stdin=STDIN,
        trigger="one",
        source=str(folder / "source"),
        destination=str(folder / "copied"),
    )
    yield stack
    finished = stack.destroy()
    assert finished.status == 0, finished.output


def test_a_lifecycle(stack: Stack, host: Sshd, key: KeyPair, tmp_path: Path) -> None:
    planned = stack.preview()
    assert planned.status == 0, planned.output
    assert planned.steps() == {"first": "create", "second": "create", "copied": "create"}
    assert not (tmp_path / "copied").exists()

    made = stack.up()
    assert made.status == 0, made.output
    assert stack.outputs() == {"first": STDIN, "second": STDIN}
    assert (tmp_path / "copied").read_text() == "to be copied"

    again = stack.up()
    assert again.status == 0, again.output
    assert again.steps() == {}

    deleted = tmp_path / "deleted"
    stack.configure(first="echo changed", delete=f"echo bye >> {deleted}")
    (tmp_path / "source").write_text("another text")
    planned = stack.preview()
    assert planned.steps() == {"first": "update", "second": "update", "copied": "update"}
    changed = stack.up()
    assert changed.status == 0, changed.output
    assert changed.steps() == {"first": "update", "second": "update", "copied": "update"}
    assert stack.outputs() == {"first": "changed", "second": "changed"}
    assert (tmp_path / "copied").read_text() == "another text"
    assert not deleted.exists()

    stack.configure(trigger="two", first="echo replaced")
    replaced = stack.up()
    assert replaced.status == 0, replaced.output
    assert replaced.steps()["first"] in ("replace", "create-replacement", "delete-replaced")
    assert stack.outputs()["first"] == "replaced"
    assert deleted.read_text() == "bye\n"

    state = stack.state()
    for hidden in (key.private.split("\n")[1], STDIN):
        assert hidden not in state
        assert hidden not in changed.output + replaced.output


def test_a_failed_command(stack: Stack) -> None:
    stack.configure(first="echo reason >&2; exit 7")
    failed = stack.up()
    assert failed.status != 0
    assert "Process exited with status 7: running" in failed.output
    assert "reason" in failed.output
    stack.configure(first="echo repaired")
    repaired = stack.up()
    assert repaired.status == 0, repaired.output
    assert stack.outputs()["first"] == "repaired"


def test_an_interrupted_run_ends_its_remote_command(
    host: Sshd, key: KeyPair, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    with made(tmp_path, host, key, STAND_IN) as stack:
        stack.configure(first=f"echo $$ > {begun}.new; mv {begun}.new {begun}; exec sleep 600")
        run = stack.start("up", "--yes", "--skip-preview")
        await_true(lambda: begun.exists() or run.poll() is not None, "the command", seconds=60)
        assert begun.exists(), stack.finish(run).output
        run.send_signal(signal.SIGINT)
        finished = stack.finish(run)
        assert finished.status != 0
        wait_until_gone(int(begun.read_text()), timeout=10)
