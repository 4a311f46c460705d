"""Stages: their order, parallelism, failures and termination."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.build.task_graph import Result, Stage, run_stages
from tests.waiting import await_true

TOP = Path(__file__).parents[3]


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", code)


def test_a_stage_starts_when_its_dependencies_are_done(tmp_path: Path) -> None:
    made = tmp_path / "made"
    results = run_stages(
        [
            Stage("first", python(f"open({str(made)!r}, 'x')")),
            Stage("second", python(f"open({str(made)!r})"), after=("first",)),
        ]
    )
    assert results == {"first": Result.DONE, "second": Result.DONE}


def test_independent_stages_run_in_parallel(tmp_path: Path) -> None:
    # Each waits for the other: one after the other they could not end.
    meet = (
        "import sys, time, pathlib\n"
        "mine, other = map(pathlib.Path, sys.argv[1:])\n"
        "mine.touch()\n"
        "deadline = time.monotonic() + 20\n"
        "while not other.exists():\n"
        "    assert time.monotonic() < deadline, 'the other stage did not start'\n"
        "    time.sleep(0.01)\n"
    )
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    results = run_stages([Stage("a", (*python(meet), a, b)), Stage("b", (*python(meet), b, a))])
    assert results == {"a": Result.DONE, "b": Result.DONE}


def test_a_failure_skips_only_dependent_stages(capsys: pytest.CaptureFixture[str]) -> None:
    results = run_stages(
        [
            Stage("broken", python("print('why'); raise SystemExit(3)")),
            Stage("needs it", python(""), after=("broken",)),
            Stage("does not", python("")),
        ]
    )
    assert results == {
        "broken": Result.FAILED,
        "needs it": Result.SKIPPED,
        "does not": Result.DONE,
    }
    printed = capsys.readouterr().out
    assert "    broken: why\n" in printed
    assert "(exit status 3)" in printed
    assert "==> needs it … skipped: depends on broken" in printed


def test_headings_of_a_stage_s_own_program_are_not_repeated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_stages([Stage("packages", python("print('==> packages: gcc\\n==> packages … 2.1 s')"))])
    heading, line, _ = capsys.readouterr().out.splitlines()
    assert (heading, line) == ("==> packages", "    packages: gcc")


def test_an_unknown_dependency_is_an_error() -> None:
    with pytest.raises(ValueError, match="stage a depends on"):
        run_stages([Stage("a", python(""), after=("b",))])
    with pytest.raises(ValueError, match="stage a depends on"):
        run_stages([Stage("a", python(""), behind=("b",))])


@pytest.mark.parametrize("status", [0, 1])
def test_a_stage_behind_another_starts_when_that_has_ended_well_or_not(
    tmp_path: Path, status: int
) -> None:
    made = tmp_path / "made"
    results = run_stages(
        [
            Stage("first", python(f"open({str(made)!r}, 'x'); raise SystemExit({status})")),
            Stage("second", python(f"open({str(made)!r})"), behind=("first",)),
        ]
    )
    assert results == {
        "first": Result.FAILED if status else Result.DONE,
        "second": Result.DONE,
    }


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stopping_the_run_stops_its_commands(tmp_path: Path, how: signal.Signals) -> None:
    started = tmp_path / "pid"
    child = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        "import sys\n"
        "from scripts.build.task_graph import Stage, run_stages\n"
        f"run_stages([Stage('long', (sys.executable, '-c', {child!r}))])\n"
    )
    run = subprocess.Popen([sys.executable, "-c", program], cwd=TOP, stderr=subprocess.PIPE)
    await_true(lambda: started.exists() and bool(started.read_text()), "the stage to start")
    run.send_signal(how)
    run.communicate(timeout=20)
    assert run.returncode != 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
