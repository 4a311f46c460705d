"""Concurrent calls of dynamic providers: the duration of an `up` whose resources only wait."""

from collections.abc import Callable
from pathlib import Path

from scripts.bench.run import MeasuredRun
from scripts.bench.stack import scratch_folder, stack
from scripts.bench.table import Table, seconds

CALLS = 20
WAIT_SECONDS = 30
# A separate file, so that it is pickled by name.
WAITING = """\
import time

import pulumi


class WaitProvider(pulumi.dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        time.sleep(props["seconds"])
        return pulumi.dynamic.CreateResult("waited", props)


class Wait(pulumi.dynamic.Resource, module="waiting", name="Wait"):
    def __init__(self, name, seconds):
        super().__init__(WaitProvider(), name, {"seconds": seconds})
"""
PROGRAM = """\
import pulumi
from waiting import Wait

config = pulumi.Config("waiting")
for index in range(config.require_int("calls")):
    Wait(f"wait-{index}", config.require_int("seconds"))
"""
PROJECT = "name: waiting\nruntime: python\n"


def measure(calls: int, wait_seconds: int) -> MeasuredRun:
    """Measure an `up` of `calls` resources that each wait for `wait_seconds`."""
    config = {"waiting:calls": calls, "waiting:seconds": wait_seconds}
    with scratch_folder() as folder, stack(_write(folder / "waiting"), config) as waiting:
        return waiting.up()


def table(say: Callable[[str], None]) -> Table:
    """Measure, and return the result as a table."""
    duration = measure(CALLS, WAIT_SECONDS).seconds
    say(f"{CALLS} calls of {WAIT_SECONDS} s each: {duration:.1f} s")
    return Table(
        "Concurrent calls of providers",
        ("calls", "each s", "up s"),
        ((str(CALLS), seconds(WAIT_SECONDS), seconds(duration)),),
    )


def _write(folder: Path) -> Path:
    folder.mkdir()
    (folder / "waiting.py").write_text(WAITING)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    return folder
