"""Selection of the command plugin."""

import http.server
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.command_plugin import install
from tests.scripts.command_plugin.client import LOCAL, TOP, Plugin

UNREACHABLE = "http://127.0.0.1:1/release"


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the launcher goes instead of beside this interpreter; nothing is installed."""
    path = tmp_path / "pulumi-resource-command"
    monkeypatch.setattr(install, "LAUNCHER", path)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    return path


@pytest.fixture
def release() -> Iterator[str]:
    """The address of a release that can be had."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/release"
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/release"


def run() -> str:
    done = CliRunner().invoke(install.main)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_launcher_is_installed_if_the_release_is_unreachable(
    launcher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "RELEASES", (UNREACHABLE,))
    assert "a stand-in is in use" in run()
    assert os.access(launcher, os.X_OK)
    assert list(launcher.parent.iterdir()) == [launcher]


def test_the_launcher_is_removed_if_the_release_is_reachable(
    launcher: Path, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher.touch()
    monkeypatch.setattr(install, "RELEASES", (UNREACHABLE, release))
    assert "official" in run()
    assert not launcher.exists()


def test_the_launcher_is_removed_if_the_release_is_installed(
    launcher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher.touch()
    (launcher.parent / "home" / "plugins" / "resource-command-v1.2.1").mkdir(parents=True)
    monkeypatch.setattr(install, "RELEASES", (UNREACHABLE,))
    assert "official" in run()
    assert not launcher.exists()


def test_a_silent_address_takes_only_seconds(silent: str) -> None:
    began = time.monotonic()
    assert not install.any_reachable((silent, UNREACHABLE), 0.5)
    assert time.monotonic() - began < 3


def test_the_launcher_starts_the_stand_in_and_leaves_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = tmp_path / "pulumi-resource-command"
    launcher.write_text(install.launcher(TOP, Path(sys.executable)))
    launcher.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    plugin = Plugin([str(launcher)])
    try:
        assert "stand-in" in plugin.information().version
        _, state = plugin.create(LOCAL, {"create": 'echo "$PYTHONPATH"'})
        assert state["stdout"] == "/nowhere"
    finally:
        plugin.stop()
