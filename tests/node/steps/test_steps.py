"""How a step reaches a machine: as text on standard input, which real bash reads back unchanged."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.steps import NODE_SCRIPTS, PARTS, as_root, build_stdin, script_source

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


@pytest.mark.parametrize("script", sorted(PARTS))
@pytest.mark.parametrize("name", sorted(ODD))
def test_bash_reads_back_every_value(script: str, name: str) -> None:
    settings, _, _ = build_stdin(script, {"VALUE": ODD[name], "ZLAST": "end"}).partition(
        script_source(script)
    )
    program = f"{settings}printf '%s' \"$VALUE\"; printf '|%s' \"$ZLAST\""
    assert _bash('eval "$(cat)"', program.encode()) == f"{ODD[name]}|end".encode()


def test_value_runs_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    value = f"'; touch {trace}; $(touch {trace}) `touch {trace}` '"
    settings = build_stdin("worker", {"VALUE": value}).removesuffix(script_source("worker"))
    _bash('eval "$(cat)"', settings.encode())
    assert not trace.exists()


@pytest.mark.parametrize("script", sorted(PARTS))
def test_step_defines_what_its_command_runs(script: str) -> None:
    _, _, rest = as_root(script, sudo=False, needs_password=False, deadline_seconds=1).partition(
        "step_"
    )
    function = "step_" + rest.partition("'")[0]
    # Only read: what stands outside of functions belongs to a machine.
    defined = [line for line in script_source(script).splitlines() if line == f"{function}() {{"]
    assert len(defined) == 1


@pytest.mark.parametrize("script", sorted(PARTS))
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
    monkeypatch.setattr("components.steps.script_source", lambda script: f"# other {script}")
    assert as_root("worker", sudo=False, needs_password=False, deadline_seconds=1) != before


def test_command_runs_the_step_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'step_worker() { printf "%s" "$GREETING"; }\n'
    monkeypatch.setattr("components.steps.script_source", lambda _script: text)
    command = as_root("worker", sudo=False, needs_password=False, deadline_seconds=5)
    given = build_stdin("worker", {"GREETING": "good\n'day'"})
    assert _bash(command, given.encode()) == b"good\n'day'"


def test_command_ends_at_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "components.steps.script_source", lambda _script: "step_worker() { sleep 30; }\n"
    )
    command = as_root("worker", sudo=False, needs_password=False, deadline_seconds=1)
    given = build_stdin("worker", {}).encode()
    ended = subprocess.run(["bash", "-c", command], input=given, timeout=10)
    assert ended.returncode == 124


@pytest.mark.parametrize("script", sorted(PARTS))
def test_whole_step_passes_shellcheck(script: str) -> None:
    """Settings come from the program: an unknown upper-case name is one of them (SC2154)."""
    shellcheck = Path(sys.executable).parent / "shellcheck"
    found = subprocess.run(
        [str(shellcheck), "--shell=bash", "--exclude=SC2154", "-"],
        input=script_source(script),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("part", sorted({part for parts in PARTS.values() for part in parts}))
def test_part_ends_with_a_newline(part: str) -> None:
    """Otherwise its last line and the next part's first would be one."""
    assert (NODE_SCRIPTS / f"{part}.sh").read_text().endswith("\n")


def _bash(command: str, given: bytes) -> bytes:
    finished = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, timeout=10, check=True
    )
    return finished.stdout
