"""The time of each step of an `up`: when it began and how long it took."""

from dataclasses import dataclass
from typing import Any

from scripts.bench.run import MeasuredRun
from scripts.bench.table import Table

# Shorter steps are only counted.
SHORTEST_SECONDS = 0.1


@dataclass(frozen=True)
class StepTiming:
    """The engine's operation on one resource; times in seconds since the run began."""

    name: str
    operation: str
    begin: float
    end: float


def of(measured: MeasuredRun) -> list[StepTiming]:
    """Return the steps of resources other than components, in the order of their start."""
    begun: dict[tuple[str, str], float] = {}
    steps = []
    for at, event in measured.events:
        if before := event.get("resourcePreEvent"):
            begun[_key(before["metadata"])] = at
        elif after := event.get("resOutputsEvent"):
            metadata = after["metadata"]
            key = _key(metadata)
            if key in begun and _is_custom(metadata):
                name = metadata["urn"].rpartition("::")[2]
                steps.append(StepTiming(name, metadata["op"], begun.pop(key), at))
    return sorted(steps, key=lambda step: step.begin)


def table(measured: MeasuredRun, what: str = "an up") -> Table:
    """Return the steps that took noticeable time."""
    steps = of(measured)
    listed = [step for step in steps if step.end - step.begin >= SHORTEST_SECONDS]
    rows = [
        (step.name, step.operation, *(f"{value:.2f}" for value in _times(step))) for step in listed
    ]
    rest = len(steps) - len(listed)
    return Table(
        f"Where the time goes in {what}",
        ("step", "operation", "start s", "end s", "duration s"),
        tuple(rows),
        f"{rest} more steps took less than {SHORTEST_SECONDS} s each. "
        f"Total: {measured.seconds:.2f} s.",
    )


def _times(step: StepTiming) -> tuple[float, float, float]:
    return step.begin, step.end, step.end - step.begin


def _key(metadata: dict[str, Any]) -> tuple[str, str]:
    return metadata["urn"], metadata["op"]


def _is_custom(metadata: dict[str, Any]) -> bool:
    state = metadata.get("new") or metadata.get("old") or {}
    return bool(state.get("custom"))
