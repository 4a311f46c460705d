"""One run of the engine, with its duration, the time of each event, and its memory use."""

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

POLL_SECONDS = 0.05
# The kernel records the peak; reading it slows down the measured run.
MEMORY_SECONDS = 0.5
GRACE_SECONDS = 120
LAST_LINES = 30
# The command that identifies the program's process among the engine's.
PROGRAM = "pulumi-language-python-exec"
_HIGH_WATER = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class BenchError(Exception):
    """A measurement failed; the message gives the reason."""


@dataclass
class MeasuredRun:
    """A finished run: `events` in order, each with the time of its arrival in seconds."""

    seconds: float
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    engine_bytes: int = 0
    program_bytes: int = 0

    @property
    def types(self) -> Counter[str]:
        """The number of resources by type, without the stack itself and providers."""
        steps = [event["resourcePreEvent"]["metadata"] for _, event in self.events
                 if "resourcePreEvent" in event]  # fmt: skip
        return Counter(step["type"] for step in steps if not step["type"].startswith("pulumi:p"))

    @property
    def resources(self) -> int:
        """The number of resources of the run, without the stack itself."""
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
) -> MeasuredRun:
    """Run the process that `start` starts, in a session of its own; raise BenchError if it fails.

    When this is interrupted, the process is interrupted and waited for, so that its state is
    complete.
    """
    events.unlink(missing_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        process = start(output)
    command = " ".join(map(str, list(process.args)[:2]))  # type: ignore[arg-type]
    arrived: list[tuple[float, dict[str, Any]]] = []
    growing = EventLog(events)
    memory: dict[int, tuple[str, int]] = {}
    next_sample = began
    try:
        while (status := _status(process)) is None:
            arrived += _stamped(growing, began)
            if time.monotonic() >= next_sample:
                memory.update(_memory_below(process.pid))
                next_sample = time.monotonic() + MEMORY_SECONDS
            if time.monotonic() - began > deadline_seconds:
                raise BenchError(f"`{command}` did not finish within {deadline_seconds:.0f} s")
    finally:
        _interrupt(process)
    arrived += _stamped(growing, began)
    seconds = time.monotonic() - began
    if status != 0:
        last = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        raise BenchError("\n".join([f"`{command}` failed:", *last]))
    used = {"engine": 0, "program": 0}
    for pid, (run, size) in memory.items():
        role = "engine" if pid == process.pid else "program" if PROGRAM in run else None
        if role:
            used[role] = max(used[role], size)
    return MeasuredRun(seconds, arrived, used["engine"], used["program"])


def _stamped(log: EventLog, began: float) -> list[tuple[float, dict[str, Any]]]:
    """Return new events with their time of arrival: their own timestamps are in full seconds."""
    now = time.monotonic() - began
    return [(now, event) for event in log.read()]


def _status(process: "subprocess.Popen[str]") -> int | None:
    try:
        return process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _interrupt(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _memory_below(leader: int) -> Iterator[tuple[int, tuple[str, int]]]:
    """Yield every process of the leader's session: its command and its peak memory in bytes."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) != leader:
                continue
            run = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found = _HIGH_WATER.search((folder / "status").read_text())
        except OSError:
            continue  # It ended meanwhile.
        if found:
            yield int(folder.name), (run, int(found[1]) * 1024)
