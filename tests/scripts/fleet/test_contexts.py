"""Contexts of ./kubeconfig, and a shell for one cluster."""

import io
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from ops.errors import OperatorError
from scripts.fleet import contexts, kubeconfig
from scripts.fleet.lazy_group import PROJECT
from tests.scripts.fleet.test_kubeconfigs import exported


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "kubeconfig"
    kubeconfig.write(found, exported(), "dev")
    return found


def test_the_current_context_has_a_star(path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, width=80)
    console.print(contexts.table(contexts.read(path)))
    console.print(contexts.table(contexts.read(path), titles=False))
    rows = [line.split() for line in out.getvalue().splitlines()]
    found = [
        ["*", "cluster1-admin", "cluster1", "https://cluster1"],
        ["cluster2-admin", "cluster2", "https://cluster2"],
    ]
    assert rows == [["CURRENT", "NAME", "CLUSTER", "SERVER"], *found, *found]


@pytest.mark.parametrize("name", ["cluster2", "cluster2-admin"])
def test_a_context_is_switched_by_its_name_or_cluster(path: Path, name: str) -> None:
    assert contexts.switch(path, name).name == "cluster2-admin"
    assert [each.is_current for each in contexts.read(path)] == [False, True]
    assert kubeconfig.owner(path) == "dev"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_context_is_an_error(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(OperatorError, match="no context cluster3; its contexts: cluster1-admin"):
        contexts.switch(path, "cluster3")
    assert path.read_bytes() == before
    with pytest.raises(OperatorError, match="run `fleet kubeconfig`"):
        contexts.read(tmp_path / "none")
    for text in ("[", "text", "{}", "clusters: 1", "\0"):
        path.write_text(text)
        with pytest.raises(OperatorError, match="is not a kubeconfig"):
            contexts.read(path)


@pytest.mark.parametrize(
    ("stack", "labels", "expected"),
    [
        ("dev", {}, False),
        ("prod", {}, True),
        ("eu", {"environment": "production"}, True),
        ("eu", {"environment": "preprod"}, False),
    ],
)
def test_production_is_recognized(stack: str, labels: Mapping[str, str], expected: bool) -> None:
    assert contexts.is_production(stack, labels) is expected


PROGRAM = """
import sys
from pathlib import Path
from scripts.fleet import contexts
sys.exit(contexts.run_shell(Path(sys.argv[1]), sys.argv[2], {}))
"""


def in_terminal(command: list[str], typed: bytes, **environment: str) -> tuple[int, str]:
    """Run a command in a terminal, type into it, and return its status and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(PROJECT)
        os.execvpe(command[0], command, {**os.environ, "TERM": "xterm", **environment})
    shown, sent, deadline = b"", False, time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # The terminal is closed.
            break
        if not data:
            break
        shown += data
        if not sent and b")" in shown:
            os.write(terminal, typed)
            sent = True
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_shell_knows_its_cluster_alone(tmp_path: Path, stack: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_text("PS1='own> '\nalias hello='echo alias-of-mine'\n")
    file = tmp_path / "tokyo"
    typed = b'hello; echo "[$KUBECONFIG|$FLEET_STACK|$FLEET_CLUSTER]"; exit 3\n'
    bash = shutil.which("bash")
    assert bash
    status, shown = in_terminal(
        [sys.executable, "-c", PROGRAM, str(file), stack], typed, HOME=str(home), SHELL=bash
    )
    assert status == 3
    assert f"\x1b[1;{31 if stack == 'prod' else 36}m({stack}/tokyo)\x1b[0m own> " in shown
    assert "alias-of-mine\r\n" in shown
    assert f"[{file}|{stack}|tokyo]" in shown


def test_an_unknown_shell_has_the_environment(tmp_path: Path) -> None:
    shell = tmp_path / "strange"
    shell.write_text('#!/bin/sh\necho "$# $KUBECONFIG"\n')
    shell.chmod(0o755)
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, "/nowhere/tokyo", "dev"],
        cwd=PROJECT,
        env={**os.environ, "SHELL": str(shell)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "0 /nowhere/tokyo\n"
