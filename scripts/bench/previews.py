"""Previews of fleets of increasing size, against an empty program with as many resources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.bench import empty, fleets
from scripts.bench.run import MeasuredRun
from scripts.bench.stack import PROJECT, scratch_folder, stack
from scripts.bench.table import Table, megabytes, ratio, seconds


@dataclass(frozen=True)
class PreviewTimes:
    """A preview of a fleet of `machines`, and of the empty program with as many resources."""

    machines: int
    fleet: MeasuredRun
    empty: MeasuredRun


def measure(sizes: Sequence[int], say: Callable[[str], None]) -> list[PreviewTimes]:
    """Preview a fleet of existing hosts of each size; no host is reached."""
    measured_sizes = []
    with scratch_folder() as folder:
        project = empty.write(folder / "empty")
        for machines in sizes:
            with stack(PROJECT, fleets.existing(machines)) as fleet:
                measured = fleet.preview()
            with stack(project, empty.config(measured.types)) as baseline:
                measured_sizes.append(PreviewTimes(machines, measured, baseline.preview()))
            say(f"preview of {machines} machines: {measured.seconds:.1f} s")
    return measured_sizes


def table(measured_sizes: Sequence[PreviewTimes]) -> Table:
    """Return the durations by size."""
    return Table(
        "A preview of a new fleet",
        (
            "machines",
            "resources",
            "preview s",
            "empty program s",
            "ratio",
            "ms per resource",
            "engine MB",
            "program MB",
        ),
        tuple(_row(size) for size in measured_sizes),
        "Engine and program: peak memory of the process.",
    )


def _row(size: PreviewTimes) -> tuple[str, ...]:
    fleet, empty = size.fleet, size.empty
    return (
        str(size.machines),
        str(fleet.resources),
        seconds(fleet.seconds),
        seconds(empty.seconds),
        ratio(fleet.seconds, empty.seconds),
        f"{fleet.seconds / fleet.resources * 1000:.1f}",
        megabytes(fleet.engine_bytes),
        megabytes(fleet.program_bytes),
    )
