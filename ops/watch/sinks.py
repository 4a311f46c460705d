"""Who gets events: a stream of lines, a file of JSON lines.
A sink that can fail for a while takes events from the outbox when it can.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from model.watch.event import Change, Event

READ_BACK_BYTES = 1 << 20


class Sink(ABC):
    """Somebody who gets events; `name` is what the outbox knows it by."""

    name: str

    @abstractmethod
    def deliver(self, events: Sequence[Event]) -> int:
        """Take events in order; return the number of the last one that was taken.

        It may be one of earlier events, or 0: what was not taken is offered again. Raises OSError
        if it takes none of them now.
        """

    def close(self) -> None:  # noqa: B027
        """Take what it can within seconds: the process ends."""


class Lines(Sink):
    """A stream, such as standard output: a line of text or of JSON for each event."""

    name = "stdout"

    def __init__(self, stream: TextIO, *, as_json: bool) -> None:
        self._stream, self._as_json = stream, as_json

    def deliver(self, events: Sequence[Event]) -> int:
        """Write the events."""
        for event in events:
            line = to_json(event) if self._as_json else text(event)
            self._stream.write(f"{line}\n")
        self._stream.flush()
        return events[-1].id


class JsonFile(Sink):
    """A file to which each event is appended once, also if the process was killed meanwhile.

    It is opened for each event: another program may have renamed it.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"file:{path.absolute()}"
        self._path = path
        self._written = self._recover()

    def deliver(self, events: Sequence[Event]) -> int:
        """Append those that are not in the file."""
        lines = [line for line in map(to_json, events) if line not in self._written]
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))
        # Only what another process may have written is ever offered again.
        self._written.clear()
        return events[-1].id

    def _recover(self) -> set[str]:
        """Cut off what was written half; return the last lines."""
        try:
            with self._path.open("r+b") as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - READ_BACK_BYTES))
                content = file.read()
                complete = content[: content.rfind(b"\n") + 1]
                file.truncate(size - len(content) + len(complete))
        except FileNotFoundError:
            return set()
        return set(complete.decode(errors="replace").splitlines())


def to_json(event: Event) -> str:
    """Return an event as one line of JSON."""
    return json.dumps(event.model_dump(mode="json", by_alias=True))


def text(event: Event) -> str:
    """Return an event as one line for people; what a cluster sends may contain anything."""
    words = [
        f"{event.time:%Y-%m-%dT%H:%M:%SZ}",
        event.event.upper() if event.event is Change.BEGAN else "ended",
        f"{event.severity}",
        event.subject,
        event.reason,
    ]
    if event.event is Change.BEGAN:
        rest = f"since {event.began:%Y-%m-%dT%H:%M:%SZ}: {event.message}; fix: `{event.fix}`, "
        rest += event.runbook
    else:
        rest = f"after {held(event)}" if event.ended else ""
        rest += f": {event.note}" if event.note else ""
    line = f"{' '.join(words)} {rest}"
    return "".join(letter if letter.isprintable() else " " for letter in line)


def held(event: Event) -> str:
    """Return for how long something held that has ended."""
    seconds = (event.ended - event.began).total_seconds() if event.ended else 0.0
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
