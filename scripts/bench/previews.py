"""Previews of larger and larger fleets, against an empty program with as many resources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.bench import empty, fleets
from scripts.bench.run import Measured
from scripts.bench.stack import PROJECT, stack, workshop
from scripts.bench.table import Table, megabytes, ratio, seconds


@dataclass(frozen=True)
class Point:
    """A fleet of so many machines, and the empty program with as many resources."""

    machines: int
    fleet: Measured
    nothing: Measured


def measure(sizes: Sequence[int], say: Callable[[str], None]) -> list[Point]:
    """Preview a fleet of existing hosts of each size; no host is reached."""
    points = []
    with workshop() as folder:
        project = empty.write(folder / "empty")
        for machines in sizes:
            with stack(PROJECT, fleets.existing(machines)) as fleet:
                measured = fleet.preview()
            with stack(project, empty.config(measured.types)) as nothing:
                points.append(Point(machines, measured, nothing.preview()))
            say(f"preview of {machines} machines: {measured.seconds:.1f} s")
    return points


def table(points: Sequence[Point]) -> Table:
    """Return the curve."""
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
        tuple(_row(point) for point in points),
        "Engine and program: the most memory that each process ever used.",
    )


def _row(point: Point) -> tuple[str, ...]:
    fleet, nothing = point.fleet, point.nothing
    return (
        str(point.machines),
        str(fleet.resources),
        seconds(fleet.seconds),
        seconds(nothing.seconds),
        ratio(fleet.seconds, nothing.seconds),
        f"{fleet.seconds / fleet.resources * 1000:.1f}",
        megabytes(fleet.engine_bytes),
        megabytes(fleet.program_bytes),
    )
