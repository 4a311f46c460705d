"""A temporary stack: its backend, config and machines are in one folder.

It shares with the user's own stacks only what can be rebuilt: tool chain, bundle, image.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from model import paths
from ops.pulumi.cli import PARALLEL, UNATTENDED, PulumiError
from ops.pulumi.isolated import IsolatedStack
from scripts.bench.run import BenchError, MeasuredRun, measure

PROJECT = Path(__file__).resolve().parents[2]
NAME = "bench"
DEADLINE_SECONDS = 900


def size_of(exported: str) -> int:
    """Return the bytes of an exported state, without the spaces between its parts."""
    return len(json.dumps(json.loads(exported)["deployment"], separators=(",", ":")))


class BenchStack:
    """A stack of the program in `project`, with these config values."""

    def __init__(self, folder: Path, project: Path, config: dict[str, Any]) -> None:
        self._folder = folder
        self._stack = IsolatedStack(folder, NAME, project)
        self.machines = self._stack.machines
        self.configure(config)
        self._stack.create()

    @contextmanager
    def played_by(self, project: Path, **variables: str) -> Iterator[None]:
        """Let another program of the same name run this stack."""
        own, environment = self._stack.cli.project, dict(self._stack.cli.environment)
        self._stack.cli.project = project
        self._stack.cli.environment |= {
            **variables,
            # For dynamic providers, which the program names by their modules.
            "PYTHONPATH": str(PROJECT),
        }
        try:
            yield
        finally:
            self._stack.cli.project, self._stack.cli.environment = own, environment

    def state_bytes(self) -> int:
        """Return the size of the state."""
        return size_of(self._stack.cli.capture("stack", "export"))

    def up(self) -> MeasuredRun:
        """`pulumi up`, measured."""
        return self._measure("up", *UNATTENDED)

    def configure(self, config: dict[str, Any]) -> None:
        """Replace the config values; other entries that the engine wrote into the file are kept."""
        self._stack.write_config(config)

    def refresh(self) -> MeasuredRun:
        """`pulumi refresh`, measured."""
        return self._measure("refresh", *UNATTENDED)

    def preview(self) -> MeasuredRun:
        """`pulumi preview`, measured."""
        return self._measure("preview")

    def destroy(self) -> None:
        """Remove everything that the stack created, even after an interrupted run."""
        with suppress(PulumiError):
            self._stack.cli.capture("cancel", "--yes")
        try:
            self._measure("destroy", *UNATTENDED)
        except BenchError as error:
            raise BenchError(
                f"{error}\nThe state in {self._folder} lists what is left on this host: fix the "
                "cause, destroy that stack and remove the folder."
            ) from None

    def _measure(self, verb: str, *options: str) -> MeasuredRun:
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
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder on the disk of the machine images; it is removed at the end."""
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as folder:
        yield Path(folder)


@contextmanager
def stack(project: Path, config: dict[str, Any]) -> Iterator[BenchStack]:
    """Yield a new stack; everything that it created is removed at the end.

    If the destroy fails, the folder is kept: its state lists what is left on this host.
    """
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base, prefix="stack-"))
    created = None
    try:
        created = BenchStack(folder, project, config)
        yield created
    finally:
        if created is not None:
            created.destroy()
        shutil.rmtree(folder)
