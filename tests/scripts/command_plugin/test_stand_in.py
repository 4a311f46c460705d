"""Behaviour of the stand-in beyond the official release, whichever plugin is under test."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from scripts.command_plugin import NOTICE, VERSION
from tests.scripts.command_plugin.client import LOCAL, REMOTE, STAND_IN, TOP, Plugin, urn
from tests.scripts.command_plugin.conftest import Command
from tests.scripts.command_plugin.failures import failing
from tests.scripts.command_plugin.process import is_running, wait_until_gone
from tests.scripts.command_plugin.sshd import KeyPair, Sshd
from tests.scripts.command_plugin.waiting import Waiting

LONG_LINE = 200_000


@pytest.fixture
def stand_in() -> Iterator[Plugin]:
    """A stand-in of the test's own."""
    plugin = Plugin(STAND_IN)
    plugin.configure()
    yield plugin
    plugin.stop()


def test_the_stand_in_identifies_itself(stand_in: Plugin) -> None:
    assert stand_in.information().version == VERSION
    assert "stand-in" in VERSION
    said = [(line.severity, line.text) for line in stand_in.log.lines()]
    assert ("debug", NOTICE) in said
    helped = subprocess.run([*STAND_IN, "--help"], cwd=TOP, capture_output=True, text=True)
    assert helped.returncode == 0
    assert "stand-in" in helped.stdout


def test_starting_imports_no_execution_modules() -> None:
    program = (
        "import sys; from scripts.command_plugin import __main__, provider, server; "
        "print([name for name in ('pulumi', 'paramiko', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_very_long_line_is_logged_in_parts(stand_in: Plugin, command: Command) -> None:
    script = f"head -c {LONG_LINE} /dev/zero | tr '\\0' x"
    _, state = stand_in.create(REMOTE, command(script), name="long")
    assert state["stdout"] == "x" * LONG_LINE
    said = [line.text for line in stand_in.log.lines(urn(REMOTE, "long"))]
    assert "".join(said) == state["stdout"]


def test_many_lines_are_logged_in_one_message(stand_in: Plugin) -> None:
    _, state = stand_in.create(LOCAL, {"create": "seq 20000"}, name="flood")
    said = [line.text for line in stand_in.log.lines(urn(LOCAL, "flood"))]
    assert "\n".join(said) == state["stdout"]
    assert len(said) < 5000


class TestEnding:
    """Ending a remote command with what started it."""

    @pytest.fixture
    def running(
        self, stand_in: Plugin, host: Sshd, key: KeyPair, tmp_path: Path
    ) -> Iterator[tuple[Waiting, int]]:
        """A command under way on the host, and its process there."""
        script = "echo $$; exec sleep 600"
        with Waiting(stand_in, host.connection(key), script) as waiting:
            stand_in.log.wait_for("", urn=urn(REMOTE, waiting.name), timeout=20)
            (line,) = stand_in.log.lines(urn(REMOTE, waiting.name))
            process = int(line.text)
            assert is_running(process)
            yield waiting, process

    def test_cancel_ends_a_command(self, stand_in: Plugin, running: tuple[Waiting, int]) -> None:
        waiting, process = running
        stand_in.cancel()
        with failing() as failed:
            waiting.output()
        assert failed.code == grpc.StatusCode.CANCELLED
        assert failed.text.startswith("context canceled: running ")
        wait_until_gone(process, timeout=10)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_end_of_the_plugin_ends_a_command(
        self, stand_in: Plugin, running: tuple[Waiting, int], number: signal.Signals
    ) -> None:
        waiting, process = running
        stand_in.process.send_signal(number)
        with failing():
            waiting.output()
        assert stand_in.process.wait(10) == 0
        wait_until_gone(process, timeout=10)

    def test_cancel_stops_dialing(self, stand_in: Plugin, host: Sshd, key: KeyPair) -> None:
        connection = host.connection(key, port=1, dialErrorLimit=-1)
        with Waiting(stand_in, connection) as waiting:
            stand_in.log.wait_for("retrying", urn=urn(REMOTE, waiting.name), timeout=20)
            stand_in.cancel()
            with failing() as failed:
                waiting.output()
        assert failed.code == grpc.StatusCode.CANCELLED

    def test_after_a_cancel_no_operation_starts(self, stand_in: Plugin, tmp_path: Path) -> None:
        stand_in.cancel()
        with failing() as failed:
            stand_in.create(LOCAL, {"create": f"touch {tmp_path}/made"})
        assert failed.code == grpc.StatusCode.CANCELLED
        assert not (tmp_path / "made").exists()

    def test_the_end_of_the_engine_ends_the_plugin_and_its_commands(
        self, host: Sshd, key: KeyPair, tmp_path: Path
    ) -> None:
        # A parent of its own for the plugin, so that it can be killed.
        parent = (
            "import subprocess, sys, time; p = subprocess.Popen(sys.argv[1:]); "
            "print(p.pid, file=sys.stderr, flush=True); p.wait()"
        )
        pids = tmp_path / "pids"
        plugin = Plugin(
            ["/bin/sh", "-c", 'exec "$0" "$@" 2>"$PIDS"', sys.executable, "-c", parent, *STAND_IN],
            environment={"PIDS": str(pids)},
        )
        try:
            script = "echo $$; exec sleep 600"
            with Waiting(plugin, host.connection(key), script) as waiting:
                name = urn(REMOTE, waiting.name)
                process = int(plugin.log.wait_for("", urn=name, timeout=20).text)
                plugin.process.kill()
                with failing():
                    waiting.output()
            wait_until_gone(int(pids.read_text().split()[0]), timeout=15)
            wait_until_gone(process, timeout=10)
        finally:
            plugin.stop()
