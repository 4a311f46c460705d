"""Events on their way: each sink takes them in their order, at its own speed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from model.watch.event import Event

# For a sink that takes nothing for very long.
LIMIT = 10_000


@dataclass
class Outbox:
    """Events that some sink has not taken, and the number of the last one that each has."""

    events: list[Event] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    next_id: int = 1

    def add(self, event: Event) -> Event:
        """Append an event, which has the next number."""
        self.events.append(event)
        self.next_id = event.id + 1
        return event

    def keep_for(self, sinks: Collection[str]) -> None:
        """Keep events for these sinks alone; a new one gets what happens from now on."""
        newest = self.next_id - 1
        self.taken = {sink: self.taken.get(sink, newest) for sink in sinks}
        self._drop()

    def waiting(self, sink: str) -> Sequence[Event]:
        """Return what a sink has not taken, in order."""
        last = self.taken[sink]
        return [event for event in self.events if event.id > last]

    def take(self, sink: str, number: int) -> None:
        """Note that a sink has all events up to this one."""
        self.taken[sink] = max(self.taken[sink], number)
        self._drop()

    def _drop(self) -> None:
        done = min(self.taken.values(), default=self.next_id)
        self.events = [event for event in self.events if event.id > done]

    def shorten(self) -> dict[str, int]:
        """Drop the oldest events beyond the limit; return how many each sink has lost."""
        if len(self.events) <= LIMIT:
            return {}
        first = self.events[-LIMIT].id
        lost = {sink: first - 1 - last for sink, last in self.taken.items() if last < first - 1}
        self.events = self.events[-LIMIT:]
        self.taken = {sink: max(last, first - 1) for sink, last in self.taken.items()}
        return lost

    def to_json(self) -> dict[str, Any]:
        """Return what a restart has to know."""
        return {
            "events": [event.model_dump(mode="json", by_alias=True) for event in self.events],
            "taken": self.taken,
            "nextId": self.next_id,
        }

    @classmethod
    def from_json(cls, said: Any) -> "Outbox":
        """Return an outbox as it was written; raise KeyError, TypeError or ValueError."""
        try:
            events = [Event.model_validate(each) for each in said["events"]]
        except ValidationError as error:
            raise ValueError(f"an event is invalid: {error.errors()[0]['msg']}") from None
        taken = {str(sink): int(last) for sink, last in said["taken"].items()}
        return cls(events, taken, int(said["nextId"]))
