"""Where the time goes in an `up`: when each resource's step began and how long it took."""

from dataclasses import dataclass
from typing import Any

from scripts.bench.run import Measured
from scripts.bench.table import Table

# What takes no time is counted, not listed.
SHORTEST_SECONDS = 0.1


@dataclass(frozen=True)
class Step:
    """What the engine did with one resource; seconds since the run began."""

    name: str
    operation: str
    begin: float
    end: float


def of(measured: Measured) -> list[Step]:
    """Return the steps of resources that are no components, in the order of their beginnings."""
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
                steps.append(Step(name, metadata["op"], begun.pop(key), at))
    return sorted(steps, key=lambda step: step.begin)


def table(measured: Measured, what: str = "an up") -> Table:
    """Return the steps that took time."""
    steps = of(measured)
    listed = [step for step in steps if step.end - step.begin >= SHORTEST_SECONDS]
    rows = [
        (step.name, step.operation, *(f"{value:.2f}" for value in _times(step))) for step in listed
    ]
    rest = len(steps) - len(listed)
    return Table(
        f"Where the time goes in {what}",
        ("step", "does", "begins s", "ends s", "takes s"),
        tuple(rows),
        f"{rest} more steps took less than {SHORTEST_SECONDS} s each. "
        f"The whole run: {measured.seconds:.2f} s.",
    )


def _times(step: Step) -> tuple[float, float, float]:
    return step.begin, step.end, step.end - step.begin


def _key(metadata: dict[str, Any]) -> tuple[str, str]:
    return metadata["urn"], metadata["op"]


def _is_custom(metadata: dict[str, Any]) -> bool:
    state = metadata.get("new") or metadata.get("old") or {}
    return bool(state.get("custom"))
