"""One engine run for the user: progress while it runs, and a summary at the end."""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO, Any

import click
from rich.console import Console, RenderableType
from rich.table import Table

from ops.errors import OperatorError
from ops.hosts.inventory import Inventory
from ops.pulumi.cli import explained
from ops.pulumi.engine import Engine
from ops.pulumi.events import parse_all
from ops.pulumi.stack_file import read
from ops.pulumi.workspace import open_workspace
from scripts.fleet.changes import Changes
from scripts.fleet.lazy_group import INTERRUPTED
from scripts.fleet.progress import progress_display
from scripts.fleet.summary import summary

LOG_WIDTH = 160  # if standard output is not a terminal
RESUME_HINT = "Completed steps are not repeated: run `fleet up` again to resume."
LOCKED = "the stack is currently locked"
STOPPING = "==> stopping: waiting for the running steps to end"


@dataclass(frozen=True)
class PlanOutput:
    """How much of the plan is shown, and where it is written."""

    verbose: bool = False
    plan_file: Path | None = None


class RunFailed(OperatorError):
    """A run failed, or was interrupted; the summary already shows the failures."""

    def __init__(self, message: str, exit_status: int = OperatorError.exit_status) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class StackLocked(RunFailed):
    """Nothing was run, since another run holds the stack's lock, or one that was killed does."""


def require_unlocked(engine: Engine) -> None:
    """Raise StackLocked while the stack is locked."""
    if locks := engine.locks():
        raise StackLocked("\n".join(lock.text for lock in locks))


def engine_of(stack: str) -> Engine:
    """Return the engine of a stack, which need not exist."""
    return Engine(open_workspace(stack))


def existing_engine(stack: str) -> Engine:
    """Return the engine of a stack that exists."""
    engine = engine_of(stack)
    if not engine.prepare():
        raise OperatorError(f"the stack {stack} does not exist: create it with `fleet up {stack}`")
    return engine


def run(engine: Engine, verb: str, output: PlanOutput) -> Changes:
    """Run `up`, `preview`, `refresh` or `destroy`, show it, and return the changes.

    Raises RunFailed when the engine fails, and StackLocked when it cannot begin.
    """
    if verb != "preview":
        require_unlocked(engine)
    stack = engine.workspace.stack
    title, preview = f"{_command(verb)} {stack}", verb == "preview"
    changes, interrupted = Changes(), Event()
    with tempfile.TemporaryDirectory(prefix="kubeadm-fleet-") as folder:
        engine_output = Path(folder) / "output"
        with (
            _plan(engine_output, output) as plan,
            progress_display(title, preview=preview) as shown,
        ):

            def process(records: Sequence[Mapping[str, Any]]) -> None:
                events = parse_all(records)
                changes.process(events)
                shown.process(events)

            def stop() -> None:
                interrupted.set()
                shown.print_line(STOPPING)

            status = engine.follow(
                verb,
                output=plan,
                events=Path(folder) / "events",
                on_events=process,
                on_interrupt=stop,
            )
        if output.verbose:
            click.echo(engine_output.read_text(errors="replace"))
        unreported = "" if changes.errors or status == 0 else _last_lines(engine_output)
    if status != 0 and LOCKED in unreported:
        # pulumi's own words about a lock advise to remove the one of a run that goes on.
        require_unlocked(engine)
        raise StackLocked(unreported)
    changes.finish()
    if status == 0 or changes.any or changes.unchanged or changes.errors:
        show(summary(changes, stack, preview=preview))
    if status != 0 and interrupted.is_set():
        raise RunFailed(f"{title} was interrupted", INTERRUPTED)
    if status != 0:
        details = [line for line in (unreported, *(lock.text for lock in engine.locks())) if line]
        raise RunFailed("\n".join([f"{title} failed", *details]))
    return changes


def inventory(stack: str) -> Inventory:
    """Return the machines of a stack that exists."""
    return inventory_in(outputs(stack), stack)


def outputs(stack: str) -> dict[str, object]:
    """Return the outputs of a stack that exists, with secrets in plaintext."""
    return existing_engine(stack).outputs()


def inventory_in(found: Mapping[str, object], stack: str) -> Inventory:
    """Return the machines in a stack's outputs."""
    output = found.get("inventory")
    if not isinstance(output, dict):
        raise OperatorError(
            f"the stack {stack} has no output `inventory`: complete a `fleet up {stack}` first"
        )
    return Inventory(output)


def is_protected(engine: Engine) -> bool:
    """Whether the stack's config sets `protect`, for all clusters or for one."""
    try:
        document = read(engine.workspace.tracked_config)
        fleet = document["config"]["kubeadm-fleet:fleet"]
    except (OSError, OperatorError, KeyError, TypeError):
        return False  # The run reports the error in the file.
    if not isinstance(fleet, dict):
        return False
    clusters = fleet.get("clusters")
    of_clusters = clusters.values() if isinstance(clusters, dict) else ()
    settings = (fleet, *of_clusters)
    return any(part.get("protect") is True for part in settings if isinstance(part, dict))


def show(renderable: RenderableType) -> None:
    """Print a renderable at the terminal's width, or a default width, without trailing spaces.

    A table is never narrower than its rows: the terminal breaks lines better than cells.
    """
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH, highlight=False)
    if isinstance(renderable, Table):
        unlimited = console.options.update(width=sys.maxsize)
        console.width = max(console.width, console.measure(renderable, options=unlimited).maximum)
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def _command(verb: str) -> str:
    return "down" if verb == "destroy" else verb


@contextmanager
def _plan(text: Path, output: PlanOutput) -> Iterator[IO[bytes]]:
    """Yield the file for the engine's own output, copied to the plan file if one is requested."""
    if output.plan_file is not None:
        output.plan_file.touch()  # An unwritable file fails now, not after the run.
    with text.open("wb") as stream:
        yield stream
    if output.plan_file is not None:
        output.plan_file.write_bytes(text.read_bytes())


def _last_lines(text: Path, count: int = 20) -> str:
    """Return the end of the engine's own output, for a failure that it sent no event for."""
    lines = text.read_text(errors="replace").strip().splitlines()
    return explained("\n".join(lines[-count:]))
