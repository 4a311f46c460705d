"""The engine's events: its event log, read as it grows.

The log has one JSON object per line (`pulumi up --event-log`, the engine's apitype.EngineEvent).
Secrets are masked in it, other values are in plaintext.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any


class StepPhase(Enum):
    """The phase of a step, by the event's key."""

    STARTED = "resourcePreEvent"
    DONE = "resOutputsEvent"
    FAILED = "resOpFailedEvent"


@dataclass(frozen=True)
class Step:
    """The engine begins, has done, or has failed an operation on a resource.

    `inputs` and `outputs` are those of its new state, or of its old one when it is deleted;
    `former` are the outputs of its old state.
    """

    phase: StepPhase
    op: str
    urn: str
    type: str
    parent: str = ""
    custom: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    former: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]

    @property
    def is_provider(self) -> bool:
        """Whether it is a provider, to which the engine passes the complete config."""
        return self.type.startswith("pulumi:providers:")


@dataclass(frozen=True)
class Message:
    """A diagnostic; `urn` may be empty. One that is ephemeral is replaced by the next."""

    urn: str
    severity: str
    text: str
    ephemeral: bool = False


@dataclass(frozen=True)
class Summary:
    """The last event of a run: how many resources there are by operation."""

    changes: Mapping[str, int]
    seconds: float


Event = Step | Message | Summary


def parse(event: Mapping[str, Any]) -> Event | None:
    """Return the parsed event; None for an event of no interest."""
    for phase in StepPhase:
        if found := event.get(phase.value):
            return _step(phase, found["metadata"])
    if found := event.get("diagnosticEvent"):
        return Message(
            found.get("urn", ""), found["severity"], found["message"], found.get("ephemeral", False)
        )
    if found := event.get("summaryEvent"):
        return Summary(found["resourceChanges"] or {}, found["durationSeconds"])
    return None


def parse_all(events: Iterable[Mapping[str, Any]]) -> list[Event]:
    """Return the parsed events."""
    return [found for event in events if (found := parse(event)) is not None]


def _step(phase: StepPhase, metadata: Mapping[str, Any]) -> Step:
    state = metadata.get("new") or metadata.get("old") or {}
    return Step(
        phase,
        metadata["op"],
        metadata["urn"],
        metadata["type"],
        state.get("parent", ""),
        state.get("custom", False),
        state.get("inputs") or {},
        state.get("outputs") or {},
        (metadata.get("old") or {}).get("outputs") or {},
    )


class EventLog:
    """A log that may still be growing, or may not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the events that were completed since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as stream:
            stream.seek(self._offset)
            complete, newline, _ = stream.read().rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        for line in complete.splitlines():
            yield json.loads(line)
