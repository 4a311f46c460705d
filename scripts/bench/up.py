"""The dev stack's `up`, cold and with nothing to do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from scripts.bench import baseline, empty, fleets
from scripts.bench.run import Measured
from scripts.bench.stack import PROJECT, stack, workshop
from scripts.bench.subnet import subnet
from scripts.bench.table import Table, ratio, seconds

Say = Callable[[str], None]

NOOPS = 3


@dataclass
class Ups:
    """What was measured: cold runs of both kinds in their order, and runs with nothing to do."""

    bare: list[float] = field(default_factory=list)
    cold: list[Measured] = field(default_factory=list)
    noop: list[Measured] = field(default_factory=list)


def measure(rounds: int, *, against_bare: bool, noop: bool, say: Say) -> Ups:
    """Bring the dev stack up `rounds` times, each after the bare script where that is wanted."""
    ups = Ups()
    with subnet(84) as first, subnet(84) as second:
        config = fleets.dev(first, second)
        version = config[fleets.KEY]["kubernetesVersion"]
        for number in range(1, rounds + 1):
            if against_bare:
                prefixes = map(baseline.prefix, (first, second))
                laps = baseline.run("dev.sh", version, *prefixes)
                ups.bare.append(laps["both clusters whole"])
                say(f"round {number}: bare commands {ups.bare[-1]:.1f} s")
            with stack(PROJECT, config) as fleet:
                ups.cold.append(fleet.up())
                say(f"round {number}: pulumi up     {ups.cold[-1].seconds:.1f} s")
                if noop and not ups.noop:
                    ups.noop = [fleet.up() for _ in range(NOOPS)]
                    say(f"nothing to do: {_median(ups.noop):.1f} s")
    return ups


def cold_table(ups: Ups) -> Table:
    """Compare cold runs with the bare script."""
    rows = [
        ("bare commands", *map(seconds, ups.bare), seconds(median(ups.bare)), "1.00"),
        (
            "pulumi up",
            *(seconds(each.seconds) for each in ups.cold),
            seconds(_median(ups.cold)),
            ratio(_median(ups.cold), median(ups.bare)),
        ),
    ]
    rounds = [f"round {number} s" for number in range(1, len(ups.cold) + 1)]
    return Table(
        "The dev stack's two clusters, cold, alternating",
        ("", *rounds, "median s", "ratio"),
        tuple(rows),
        "Both end when every Node is Ready, CoreDNS is available and every probe pod is Ready.",
    )


def noop_table(ups: Ups, say: Say) -> Table:
    """Compare runs with nothing to do with those of an empty program with the same resources."""
    resources = ups.noop[0].resources
    with workshop() as folder:
        project = empty.write(folder / "empty")
        with stack(project, empty.config(ups.noop[0].types)) as nothing:
            nothing.up()
            against = [nothing.up() for _ in range(NOOPS)]
    say(f"nothing to do, empty program: {_median(against):.1f} s")
    rows = (
        ("empty program", seconds(_median(against)), "1.00"),
        ("the dev stack", seconds(_median(ups.noop)), ratio(_median(ups.noop), _median(against))),
    )
    return Table(
        f"An up with nothing to do, {resources} resources", ("", "median s", "ratio"), rows
    )


def _median(runs: list[Measured]) -> float:
    return median(each.seconds for each in runs)
