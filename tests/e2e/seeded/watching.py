"""A running `fleet watch`, and what it has said so far."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack

FLEET = str(CHECKOUT / ".venv/bin/fleet")
END_SECONDS = 20


@dataclass(frozen=True)
class Event:
    """A line of the watch, and when it was read (`time.monotonic()`)."""

    at: float
    line: dict[str, Any]

    @property
    def cluster(self) -> str:
        """The cluster that it is about."""
        return str(self.line["cluster"])

    @property
    def condition(self) -> tuple[str, ...]:
        """What the condition is about: the same for its beginning and its end."""
        return tuple(str(self.line.get(key)) for key in ("cluster", "kind", "name", "reason"))

    @property
    def began(self) -> bool:
        """Whether the condition began."""
        return bool(self.line["event"] == "began")

    @property
    def text(self) -> str:
        """What an operator reads of it."""
        keys = ("severity", "kind", "name", "reason", "message")
        return " ".join(str(self.line.get(key, "")) for key in keys)


@dataclass
class Watch:
    """The watch, whose lines a thread reads."""

    process: "subprocess.Popen[str]"
    events: list[Event] = field(default_factory=list)

    def read(self) -> None:
        """Read lines until the watch ends."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(Event(time.monotonic(), json.loads(line)))

    def open(self, cluster: str | None = None) -> list[Event]:
        """Return the beginnings of the conditions that hold, of a cluster or of all."""
        held: dict[tuple[str, ...], Event] = {}
        for event in list(self.events):
            if event.began:
                held[event.condition] = event
            else:
                held.pop(event.condition, None)
        return [each for each in held.values() if cluster in (None, each.cluster)]


@contextmanager
def watching(stack: PulumiStack) -> Iterator[Watch]:
    """Watch the stack's clusters as its person `watch`."""
    with (stack.folder / "watch.log").open("w") as log:
        process = subprocess.Popen(
            [FLEET, "watch", stack.name, "--user", "watch", "--output", "json"],
            env=stack.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        watch = Watch(process)
        reader = threading.Thread(target=watch.read)
        reader.start()
        try:
            yield watch
            assert process.poll() is None, (stack.folder / "watch.log").read_text()
        finally:
            process.terminate()
            process.wait(END_SECONDS)
            reader.join(END_SECONDS)
