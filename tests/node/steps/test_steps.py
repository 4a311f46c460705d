"""How a step reaches a machine: as text on standard input, which real bash reads back unchanged."""

import subprocess
from pathlib import Path

import pytest

from components.steps import as_root
from ops.hosts.scripts import compose, source

STEPS = ("prepare", "init", "control-plane", "worker")
GOLDEN = Path(__file__).parent / "golden"
ODD = {
    "quotes": 'it\'s "quoted" `here` $(and there) ${HOME} \\ !event',
    "lines": "first\n\n  second\twith a tab  \n",
    "only_a_newline": "\n",
    "nothing": "",
    "globs": "* ? [a-z] {1..3} ~root # no comment ; & | > < ( )",
    "letters": "東京 → Zürich",
    "equals": "A=1 B=2",
    "dash": "-n -e --",
    "here_document": "<<EOF\nEOF\n'EOF'",
    "control": "\x01\x07\x1b[31m",
    "pem": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE+/=\n-----END EC PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("script", STEPS)
@pytest.mark.parametrize("name", sorted(ODD))
def test_bash_reads_back_every_value(script: str, name: str) -> None:
    settings, _, _ = compose(script, {"VALUE": ODD[name], "ZLAST": "end"}).partition(source(script))
    program = f"{settings}printf '%s' \"$VALUE\"; printf '|%s' \"$ZLAST\""
    assert _bash('eval "$(cat)"', program.encode()) == f"{ODD[name]}|end".encode()


def test_value_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    value = f"'; touch {trace}; $(touch {trace}) `touch {trace}` '"
    settings = compose("worker", {"VALUE": value}).removesuffix(source("worker"))
    _bash('eval "$(cat)"', settings.encode())
    assert not trace.exists()


@pytest.mark.parametrize("script", STEPS)
def test_step_defines_what_its_command_runs(script: str) -> None:
    _, _, rest = as_root(script, sudo=False, needs_password=False, deadline_seconds=1).partition(
        "step_"
    )
    function = "step_" + rest.partition("'")[0]
    # Only read: what stands outside of functions belongs to a machine.
    defined = [line for line in source(script).splitlines() if line == f"{function}() {{"]
    assert len(defined) == 1


@pytest.mark.parametrize("script", STEPS)
@pytest.mark.parametrize("become", ["root", "sudo", "password"])
def test_command_is_that_of_the_golden_file(script: str, become: str) -> None:
    sudo, needs_password = become != "root", become == "password"
    command = as_root(script, sudo=sudo, needs_password=needs_password, deadline_seconds=600)
    before, _, content = command.rpartition("@")
    assert len(content) == 8
    assert int(content, 16) >= 0
    assert f"{before}\n" == (GOLDEN / f"{script}-{become}.txt").read_text()


def test_command_shows_when_the_script_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = as_root("worker", sudo=False, needs_password=False, deadline_seconds=1)
    monkeypatch.setattr("ops.hosts.scripts.source", lambda script: f"# other {script}")
    assert as_root("worker", sudo=False, needs_password=False, deadline_seconds=1) != before


def test_command_runs_the_step_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'step_worker() { printf "%s" "$GREETING"; }\n'
    monkeypatch.setattr("ops.hosts.scripts.source", lambda _script: text)
    command = as_root("worker", sudo=False, needs_password=False, deadline_seconds=5)
    given = compose("worker", {"GREETING": "good\n'day'"})
    assert _bash(command, given.encode()) == b"good\n'day'"


def test_command_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.hosts.scripts.source", lambda _script: "step_worker() { sleep 30; }\n")
    command = as_root("worker", sudo=False, needs_password=False, deadline_seconds=1)
    given = compose("worker", {}).encode()
    ended = subprocess.run(["bash", "-c", command], input=given, timeout=10)
    assert ended.returncode == 124


def _bash(command: str, given: bytes) -> bytes:
    finished = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, timeout=10, check=True
    )
    return finished.stdout
