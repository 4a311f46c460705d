"""The dev stack's `up`: from nothing, and without changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from scripts.bench import baseline, empty, fleets
from scripts.bench.run import MeasuredRun
from scripts.bench.stack import PROJECT, scratch_folder, stack
from scripts.bench.subnet import subnet
from scripts.bench.table import Table, ratio, seconds

Say = Callable[[str], None]

NOOPS = 3


@dataclass
class UpTimes:
    """The measurements: cold runs of both kinds in order, and runs without changes."""

    bare: list[float] = field(default_factory=list)
    cold: list[MeasuredRun] = field(default_factory=list)
    noop: list[MeasuredRun] = field(default_factory=list)


def measure(rounds: int, *, against_bare: bool, noop: bool, say: Say) -> UpTimes:
    """Bring the dev stack up `rounds` times, each after the bare script if `against_bare`."""
    times = UpTimes()
    with subnet(84) as first, subnet(84) as second:
        config = fleets.dev(first, second)
        version = config[fleets.KEY]["kubernetesVersion"]
        for number in range(1, rounds + 1):
            if against_bare:
                prefixes = map(baseline.prefix, (first, second))
                laps = baseline.run("dev.sh", version, *prefixes)
                times.bare.append(laps["both clusters ready"])
                say(f"round {number}: bare commands {times.bare[-1]:.1f} s")
            with stack(PROJECT, config) as fleet:
                times.cold.append(fleet.up())
                say(f"round {number}: pulumi up     {times.cold[-1].seconds:.1f} s")
                if noop and not times.noop:
                    times.noop = [fleet.up() for _ in range(NOOPS)]
                    say(f"without changes: {_median(times.noop):.1f} s")
    return times


def cold_table(times: UpTimes) -> Table:
    """Compare cold runs with the bare script."""
    rows = [
        ("bare commands", *map(seconds, times.bare), seconds(median(times.bare)), "1.00"),
        (
            "pulumi up",
            *(seconds(run.seconds) for run in times.cold),
            seconds(_median(times.cold)),
            ratio(_median(times.cold), median(times.bare)),
        ),
    ]
    rounds = [f"round {number} s" for number in range(1, len(times.cold) + 1)]
    return Table(
        "The dev stack's two clusters, from nothing, in alternating runs",
        ("", *rounds, "median s", "ratio"),
        tuple(rows),
        "Both end when every Node is Ready, CoreDNS is available and every probe pod is Ready.",
    )


def noop_table(times: UpTimes, say: Say) -> Table:
    """Compare runs without changes with those of an empty program with as many resources."""
    resources = times.noop[0].resources
    with scratch_folder() as folder:
        project = empty.write(folder / "empty")
        with stack(project, empty.config(times.noop[0].types)) as baseline_stack:
            baseline_stack.up()
            against = [baseline_stack.up() for _ in range(NOOPS)]
    say(f"without changes, empty program: {_median(against):.1f} s")
    rows = (
        ("empty program", seconds(_median(against)), "1.00"),
        (
            "the dev stack",
            seconds(_median(times.noop)),
            ratio(_median(times.noop), _median(against)),
        ),
    )
    return Table(f"An up without changes, {resources} resources", ("", "median s", "ratio"), rows)


def _median(runs: list[MeasuredRun]) -> float:
    return median(run.seconds for run in runs)
