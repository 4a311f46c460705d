"""One run of the engine, measured: how long it took, what it did when, how much memory it used."""

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ops.pulumi.events import EventLog

LOOK_SECONDS = 0.05
# The kernel keeps the peak; looking costs the measured run time.
MEMORY_SECONDS = 0.5
GRACE_SECONDS = 120
LAST_LINES = 30
# Who a process of the engine's is, by what it runs.
PROGRAM = "pulumi-language-python-exec"
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class BenchError(Exception):
    """A measurement failed; the message says why."""


@dataclass
class Measured:
    """A finished run: `events` in their order, each with the second at which it was seen."""

    seconds: float
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    engine_bytes: int = 0
    program_bytes: int = 0

    @property
    def types(self) -> Counter[str]:
        """How many resources there are of each type, the stack itself and providers left out."""
        steps = [event["resourcePreEvent"]["metadata"] for _, event in self.events
                 if "resourcePreEvent" in event]  # fmt: skip
        return Counter(step["type"] for step in steps if not step["type"].startswith("pulumi:p"))

    @property
    def resources(self) -> int:
        """How many resources the run was about, the stack itself left out."""
        for _, event in self.events:
            if summary := event.get("summaryEvent"):
                changes: dict[str, int] = summary["resourceChanges"]
                return sum(changes.values()) - 1
        raise BenchError("the engine's event log has no summary")


def measure(
    start: Callable[[IO[bytes]], "subprocess.Popen[str]"],
    *,
    events: Path,
    log: Path,
    deadline_seconds: float,
) -> Measured:
    """Run what `start` starts, in a session of its own, to its end, which must be a good one.

    An interrupted run is asked to end, and waited for, so that what it was doing is in its state.
    """
    events.unlink(missing_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        process = start(output)
    command = " ".join(map(str, list(process.args)[:2]))  # type: ignore[arg-type]
    seen: list[tuple[float, dict[str, Any]]] = []
    growing = EventLog(events)
    memory: dict[int, tuple[str, int]] = {}
    look_again = began
    try:
        while (status := _ended(process)) is None:
            seen += _stamped(growing, began)
            if time.monotonic() >= look_again:
                memory.update(_memory_below(process.pid))
                look_again = time.monotonic() + MEMORY_SECONDS
            if time.monotonic() - began > deadline_seconds:
                raise BenchError(f"`{command}` did not finish within {deadline_seconds:.0f} s")
    finally:
        _end(process)
    seen += _stamped(growing, began)
    seconds = time.monotonic() - began
    if status != 0:
        last = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        raise BenchError("\n".join([f"`{command}` failed:", *last]))
    used = {"engine": 0, "program": 0}
    for pid, (run, size) in memory.items():
        role = "engine" if pid == process.pid else "program" if PROGRAM in run else None
        if role:
            used[role] = max(used[role], size)
    return Measured(seconds, seen, used["engine"], used["program"])


def _stamped(log: EventLog, began: float) -> list[tuple[float, dict[str, Any]]]:
    """Return new events with the second at which they were seen: their own are whole seconds."""
    now = time.monotonic() - began
    return [(now, event) for event in log.read()]


def _ended(process: "subprocess.Popen[str]") -> int | None:
    try:
        return process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _memory_below(leader: int) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield every process of the leader's session: what it runs and its peak memory in bytes."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) != leader:
                continue
            run = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found = _HIGH_WATER.search((folder / "status").read_text())
        except OSError:
            continue  # It ended while it was looked at.
        if found:
            yield int(folder.name), (run, int(found[1]) * 1024)
