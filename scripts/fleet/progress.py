"""Progress of an engine run: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ops.pulumi.events import Event, Message, Step, StepPhase
from scripts.fleet.changes import OPERATIONS, ROLLOUT, STACK, Change
from scripts.fleet.engine_messages import clean

REMIND_SECONDS = 30.0
REFRESHES_PER_SECOND = 4
MARGIN_LINES = 4
# The rollout's plan, which is part of the summary.
PLAN = "planned changes:"


class ProgressDisplay(Protocol):
    """Shows events as they arrive, between entering and leaving the context."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""

    def process(self, events: Iterable[Event]) -> None:
        """Show events."""

    def print_line(self, text: str) -> None:
        """Show a permanent line."""


@dataclass
class Running:
    """A step in progress, and its latest message."""

    name: str
    since: float
    message: str = ""


class Lines:
    """Prints a line per finished step, and every half minute the steps in progress.

    A preview finishes no step: it has the summary alone.
    """

    def __init__(self, console: Console, title: str, *, preview: bool = False) -> None:
        self._console = console
        self._preview = preview
        self._title = title
        self._started = self._last_printed = time.monotonic()
        self.running: dict[str, Running] = {}
        self.done = 0
        self._printed: set[str] = set()

    def __enter__(self) -> Self:
        self.print_line(f"==> {self._title}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.print_line(f"==> {self._title} … {self.seconds:.1f} s")

    @property
    def seconds(self) -> float:
        """The duration of the run so far."""
        return time.monotonic() - self._started

    def process(self, events: Iterable[Event]) -> None:
        """Print finished steps and messages about them."""
        for event in events:
            if isinstance(event, Step):
                self._step(event)
            elif isinstance(event, Message):
                self._message(event)
        self._remind()

    def print_line(self, text: str) -> None:
        """Print a line."""
        self._last_printed = time.monotonic()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _step(self, step: Step) -> None:
        if step.type == STACK or step.is_provider or not step.custom:
            return
        if step.phase is StepPhase.STARTED:
            self.running[step.urn] = Running(step.name, time.monotonic())
            return
        started = self.running.pop(step.urn, None)
        took = time.monotonic() - started.since if started else 0.0
        self.done += 1
        change = Change.FAILED if step.phase is StepPhase.FAILED else OPERATIONS.get(step.op)
        if change is not None and not self._preview:
            self.print_line(f"    {step.name} {change} ({took:.1f} s)")

    def _message(self, message: Message) -> None:
        text = clean(message.text)
        running = self.running.get(message.urn)
        if running is not None and message.ephemeral:
            running.message = text
        # For a rollout, each step on each machine; for a script, only its end.
        if (message.ephemeral and ROLLOUT not in message.urn) or text.startswith(PLAN):
            return
        # Errors and warnings appear once, in the summary.
        if text and message.severity == "info" and text not in self._printed:
            self._printed.add(text)
            self.print_line("\n".join(f"    {line}" for line in text.splitlines()))

    def _remind(self) -> None:
        running = self.running.values()
        if running and time.monotonic() - self._last_printed > REMIND_SECONDS:
            now = time.monotonic()
            still = sorted(f"{step.name} ({now - step.since:.0f} s)" for step in running)
            self.print_line(f"    still running: {', '.join(still)}")


class LiveTable(Lines):
    """The steps in progress with their durations; finished ones scroll up."""

    def __init__(self, console: Console, title: str, *, preview: bool = False) -> None:
        super().__init__(console, title, preview=preview)
        self._live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        super().__enter__()
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        super().__exit__(kind, error, trace)

    def _remind(self) -> None:
        """No reminder: the table shows the steps in progress."""

    def _render(self) -> Group:
        running = sorted(list(self.running.values()), key=lambda step: step.since)
        room = max(1, self._console.height - MARGIN_LINES)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("STEP", "FOR"):
            table.add_column(column, no_wrap=True, overflow="ellipsis")
        # The only column that wraps is the one that is cut where there is too little room.
        table.add_column("NOW")
        now = time.monotonic()
        for step in running[:room]:
            message = Text(step.message, no_wrap=True, overflow="ellipsis")
            table.add_row(step.name, f"{now - step.since:.0f} s", message)
        hidden = f", {len(running) - room} not shown" if len(running) > room else ""
        begun = f"{self.done} done, {len(running)} running{hidden}"
        head = f"{begun if self.done or running else 'starting'}, {self.seconds:.0f} s"
        return Group(Text(head, "bold"), *([table] if running else []))


def progress_display(title: str, *, preview: bool = False) -> ProgressDisplay:
    """Return the display that suits standard error."""
    console = Console(stderr=True)
    kind = LiveTable if console.is_terminal else Lines
    return kind(console, title, preview=preview)
