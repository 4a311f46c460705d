"""A throw-away stack: a folder that holds its backend, its config and its machines.

What is shared with a person's own stacks is only what can be rebuilt: tool chain, bundle, image.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from model import paths
from ops.pulumi.cli import PARALLEL, UNATTENDED, PulumiError
from ops.pulumi.isolated import IsolatedStack
from scripts.bench.run import BenchError, Measured, measure

PROJECT = Path(__file__).resolve().parents[2]
NAME = "bench"
DEADLINE_SECONDS = 900


class BenchStack:
    """A stack of the program in `project`, with these config values."""

    def __init__(self, folder: Path, project: Path, config: dict[str, Any]) -> None:
        self._folder = folder
        self._stack = IsolatedStack(folder, NAME, project)
        self.machines = self._stack.machines
        self.configure(config)
        self._stack.create()

    def up(self) -> Measured:
        """`pulumi up`, measured."""
        return self._measure("up", *UNATTENDED)

    def configure(self, config: dict[str, Any]) -> None:
        """Have other config values; what else the engine wrote into the file stays."""
        self._stack.write_config(config)

    def refresh(self) -> Measured:
        """`pulumi refresh`, measured."""
        return self._measure("refresh", *UNATTENDED)

    def preview(self) -> Measured:
        """`pulumi preview`, measured."""
        return self._measure("preview")

    def destroy(self) -> None:
        """Remove everything that the stack made, also after a run that was cut off."""
        with suppress(PulumiError):
            self._stack.cli.capture("cancel", "--yes")
        try:
            self._measure("destroy", *UNATTENDED)
        except BenchError as error:
            raise BenchError(
                f"{error}\nWhat is left on this host is in the records in {self._folder}: fix "
                "what is named above, destroy the stack there, and remove the folder."
            ) from None

    def _measure(self, verb: str, *options: str) -> Measured:
        events = self._folder / "events.json"
        always = ("--parallel", str(PARALLEL), "--non-interactive", "--color", "never")
        return measure(
            lambda output: self._stack.cli.start(
                verb, *options, *always, output=output, events=events, own_session=True
            ),
            events=events,
            log=self._folder / f"{verb}.log",
            deadline_seconds=DEADLINE_SECONDS,
        )


@contextmanager
def workshop() -> Iterator[Path]:
    """Give an empty folder on the disk of the machine images; it is removed at the end."""
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


@contextmanager
def stack(project: Path, config: dict[str, Any]) -> Iterator[BenchStack]:
    """Give a new stack; what it made is destroyed and its records are removed at the end.

    When the destroy fails, the folder stays: it says what is left on this host.
    """
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base, prefix="stack-"))
    made = None
    try:
        made = BenchStack(folder, project, config)
        yield made
    finally:
        if made is not None:
            made.destroy()
        shutil.rmtree(folder)
