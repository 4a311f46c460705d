"""Progress of a run, on a terminal and in a log."""

import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from rich.console import Console

from ops.pulumi.events import Event, Message, Step, StepPhase
from scripts.fleet import progress
from scripts.fleet.changes import ROLLOUT
from scripts.fleet.progress import Lines, LiveTable
from tests.scripts.conftest import TOP

URN = "urn:pulumi:dev::p::t::c1-worker-0-join"
KIND = "pulumi-python:dynamic/kubeadm-fleet:Step"
STARTED = Step(StepPhase.STARTED, "create", URN, KIND, custom=True)
DONE = Step(StepPhase.DONE, "create", URN, KIND, custom=True)
FAILED = Step(StepPhase.FAILED, "create", URN, KIND, custom=True)
UNCHANGED = Step(StepPhase.DONE, "same", URN, KIND, custom=True)


def shown(*events: Event) -> str:
    console = Console(file=io.StringIO(), width=80)
    with Lines(console, "up dev") as lines:
        lines.process(events)
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\d+\.\d s", "0.0 s", console.file.getvalue())


def body(*events: Event) -> list[str]:
    first, *lines, last = shown(*events).splitlines()
    assert (first, last) == ("==> up dev", "==> up dev … 0.0 s")
    return [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (DONE, ["c1-worker-0-join created (0.0 s)"]),
        (FAILED, ["c1-worker-0-join failed (0.0 s)"]),
        (UNCHANGED, []),
    ],
)
def test_a_log_has_a_line_for_each_step_that_changed(end: Step, expected: list[str]) -> None:
    assert body(STARTED, end) == expected


def test_a_preview_prints_no_steps() -> None:
    console = Console(file=io.StringIO(), width=80)
    with Lines(console, "preview dev", preview=True) as lines:
        lines.process([STARTED, DONE])
    assert isinstance(console.file, io.StringIO)
    assert "created" not in console.file.getvalue()


def test_a_log_omits_ephemeral_messages() -> None:
    passing = Message(URN, "info", "c1-worker-0: draining", ephemeral=True)
    stays = Message(URN, "info", "c1-worker-0: done in 9.8 s\n")
    assert body(STARTED, passing, stays, stays) == ["c1-worker-0: done in 0.0 s"]


def test_a_log_has_each_step_of_a_rollout_and_not_its_plan() -> None:
    urn = f"urn:pulumi:dev::p::a${ROLLOUT}::c1-rollout"
    plan = Message(urn, "info", "planned changes:\n  c1-worker-0: upgraded")
    passing = Message(urn, "info", "c1-worker-0: draining", ephemeral=True)
    assert body(plan, passing) == ["c1-worker-0: draining"]


def test_errors_and_warnings_appear_in_the_summary_only() -> None:
    assert body(Message(URN, "error", "no"), Message(URN, "warning", "hm")) == []


def test_a_log_reports_running_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "REMIND_SECONDS", -1.0)
    assert body(STARTED) == ["still running: c1-worker-0-join (0 s)"]


def test_the_table_has_a_row_for_each_running_step_that_fits() -> None:
    console = Console(file=io.StringIO(), width=80, height=6, force_terminal=True)
    table = LiveTable(console, "up dev")
    steps = [Step(StepPhase.STARTED, "create", f"{URN}{n}", "t", custom=True) for n in range(5)]
    table.process([*steps, Message(f"{URN}0", "info", "joining", ephemeral=True)])
    with console.capture() as captured:
        console.print(table._render())
    text = re.sub(r"\x1b\[[0-9;]*m", "", captured.get())
    head, titles, *rows = [line.strip() for line in text.splitlines()]
    assert head == "0 done, 5 running, 3 not shown, 0 s"
    assert titles.split() == ["STEP", "FOR", "NOW"]
    assert [row.split() for row in rows] == [
        ["c1-worker-0-join0", "0", "s", "joining"],
        ["c1-worker-0-join1", "0", "s"],
    ]


def rendered(table: LiveTable, console: Console) -> list[str]:
    with console.capture() as captured:
        console.print(table._render())
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.get()).splitlines()


def test_a_long_message_is_cut_and_not_the_step_that_it_is_about() -> None:
    console = Console(file=io.StringIO(), width=60, height=9, force_terminal=True)
    table = LiveTable(console, "up dev")
    table.process([STARTED, Message(URN, "info", "changed " + "/a/path " * 20, ephemeral=True)])
    *_, row = rendered(table, console)
    assert row.startswith("c1-worker-0-join  0 s  changed /a/path")
    assert row.endswith("…")


def test_a_table_without_steps_says_that_the_run_starts() -> None:
    console = Console(file=io.StringIO(), width=60, height=9, force_terminal=True)
    table = LiveTable(console, "up dev")
    assert rendered(table, console) == ["starting, 0 s"]
    table.process([STARTED, DONE])
    assert rendered(table, console) == ["1 done, 0 running, 0 s"]


PROGRAM = f"""
import time
from ops.pulumi.events import StepPhase, Step
from scripts.fleet.progress import progress_display

urn = {URN!r}
with progress_display("up dev") as shown:
    shown.process([Step(StepPhase.STARTED, "create", urn, "t", custom=True)])
    time.sleep(1)
    shown.process([Step(StepPhase.DONE, "create", urn, "t", custom=True)])
"""


def _read(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            read = os.read(descriptor, 65536)
        except OSError:  # The other end is closed.
            return
        if not read:
            return
        yield read


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_shows_a_transient_table_and_permanent_lines(no_color: bool) -> None:
    ours, theirs = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    variables |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=TOP, env=variables, stderr=theirs, stdout=theirs
    )
    os.close(theirs)
    text = b"".join(_read(ours)).decode()
    os.close(ours)
    assert process.wait() == 0
    assert "\x1b[2K" in text.rpartition(" running")[2]  # The last table is wiped.
    assert bool(re.search(r"\x1b\[[0-9;]*3\dm", text)) is False
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "0 done, 1 running" in plain
    assert re.search(r"c1-worker-0-join +[01] s", plain)
    assert re.search(r"c1-worker-0-join created \(1\.\d s\)", plain)
    assert re.search(r"==> up dev … 1\.\d s", plain)
