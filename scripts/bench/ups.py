"""The dev stack's `up`, cold and with nothing to do."""

import os
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from model import paths
from scripts.bench import empty, fleets
from scripts.bench.run import BenchError, Measured
from scripts.bench.stack import PROJECT, stack, workshop
from scripts.bench.table import Table, ratio, seconds

Say = Callable[[str], None]

BARE = Path(__file__).parent / "bare.sh"
BARE_SECONDS = 600
NOOPS = 3
# The script's last lap, before it removes what it made.
_WHOLE = re.compile(r"^both clusters whole +([\d.]+) s$", re.MULTILINE)


@dataclass
class Ups:
    """What was measured: cold runs of both kinds in their order, and runs with nothing to do."""

    bare: list[float] = field(default_factory=list)
    cold: list[Measured] = field(default_factory=list)
    noop: list[Measured] = field(default_factory=list)


def measure(rounds: int, *, against_bare: bool, noop: bool, say: Say) -> Ups:
    """Bring the dev stack up `rounds` times, each after the bare script where that is wanted."""
    ups = Ups()
    for number in range(1, rounds + 1):
        if against_bare:
            ups.bare.append(_bare())
            say(f"round {number}: bare commands {ups.bare[-1]:.1f} s")
        with stack(PROJECT, fleets.dev()) as fleet:
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


def _bare() -> float:
    """Run the bare script; return the seconds until its clusters were whole."""
    version = fleets.dev()[fleets.KEY]["kubernetesVersion"]
    image = paths.image_dir(f"v{version}")
    with workshop() as folder:
        arguments = [
            folder / "bare",
            image.resolve() / "root",
            paths.bundle_dir(version),
            f"v{version}",
            PROJECT / "manifests",
        ]
        process = subprocess.Popen(
            ["bash", str(BARE), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=BARE_SECONDS)
        except BaseException:
            # It removes its machines when it is told to end.
            os.kill(process.pid, signal.SIGTERM)
            process.wait()
            raise
    found = _WHOLE.search(output)
    if process.returncode != 0 or not found:
        raise BenchError(f"the bare script failed (exit status {process.returncode}):\n{output}")
    return float(found[1])
