"""Calls of dynamic providers side by side: how long an `up` takes whose resources only wait."""

from collections.abc import Callable
from pathlib import Path

from scripts.bench.run import Measured
from scripts.bench.stack import stack, workshop
from scripts.bench.table import Table, seconds

CALLS = 20
WAIT_SECONDS = 30
# In a file of its own, so that it is pickled by name.
WAITING = """\
import time

import pulumi


class Waiting(pulumi.dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def create(self, props):
        time.sleep(props["seconds"])
        return pulumi.dynamic.CreateResult("waited", props)


class Waited(pulumi.dynamic.Resource, module="waiting", name="Waited"):
    def __init__(self, name, seconds):
        super().__init__(Waiting(), name, {"seconds": seconds})
"""
PROGRAM = """\
import pulumi
from waiting import Waited

config = pulumi.Config("waiting")
for index in range(config.require_int("calls")):
    Waited(f"waited-{index}", config.require_int("seconds"))
"""
PROJECT = "name: waiting\nruntime: python\n"


def measure(calls: int, wait_seconds: int) -> Measured:
    """Measure an `up` of so many resources, each of which waits for so long."""
    config = {"waiting:calls": calls, "waiting:seconds": wait_seconds}
    with workshop() as folder, stack(_write(folder / "waiting"), config) as waiting:
        return waiting.up()


def table(say: Callable[[str], None]) -> Table:
    """Return what waiting side by side costs."""
    took = measure(CALLS, WAIT_SECONDS).seconds
    say(f"{CALLS} calls of {WAIT_SECONDS} s each: {took:.1f} s")
    return Table(
        "Calls of providers side by side",
        ("calls", "each s", "up s"),
        ((str(CALLS), seconds(WAIT_SECONDS), seconds(took)),),
    )


def _write(folder: Path) -> Path:
    folder.mkdir()
    (folder / "waiting.py").write_text(WAITING)
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    return folder
