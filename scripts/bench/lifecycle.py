"""The lifecycle of a cluster with three control planes: create, upgrade, replace one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from model import paths
from scripts.bench import baseline, fleets, node_failure, steps
from scripts.bench.run import Measured
from scripts.bench.stack import PROJECT, BenchStack, stack
from scripts.bench.subnet import subnet
from scripts.bench.table import Table, ratio, seconds

# The control plane that initialized the cluster.
VICTIM = f"{fleets.CLUSTER}-control-plane-0"


@dataclass
class Lives:
    """What was measured, in seconds, in the order of the rounds."""

    bare: dict[str, list[float]] = field(default_factory=lambda: {"whole": [], "upgraded": []})
    cold: list[float] = field(default_factory=list)
    upgrade: list[float] = field(default_factory=list)
    refresh: list[Measured] = field(default_factory=list)
    replace: list[Measured] = field(default_factory=list)


def measure(former: str, following: str, rounds: int, say: Callable[[str], None]) -> Lives:
    """Live `rounds` lives from the version `former` to `following`, each after the bare script."""
    lives = Lives()
    with subnet(84) as network:
        for number in range(1, rounds + 1):
            more = (baseline.prefix(network), str(paths.bundle_dir(following)), f"v{following}")
            laps = baseline.run("ha.sh", former, *more)
            for name, found in lives.bare.items():
                found.append(laps[name])
            say(f"life {number}: bare commands: {_said(laps['whole'], laps['upgraded'])}")
            with stack(PROJECT, fleets.available(former, network)) as fleet:
                lives.cold.append(fleet.up().seconds)
                fleet.configure(fleets.available(following, network))
                lives.upgrade.append(fleet.up().seconds)
                _replace(fleet, lives)
            say(f"life {number}: pulumi: {_said(lives.cold[-1], lives.upgrade[-1])}, replacement "
                f"{lives.refresh[-1].seconds + lives.replace[-1].seconds:.1f} s")  # fmt: skip
    return lives


def tables(lives: Lives) -> list[Table]:
    """Compare what the bare commands do, too; show what a replacement takes."""
    rounds = tuple(f"round {number} s" for number in range(1, len(lives.cold) + 1))
    refresh = [each.seconds for each in lives.refresh]
    replace = [each.seconds for each in lives.replace]
    whole = [sum(pair) for pair in zip(refresh, replace, strict=True)]
    return [
        _against(
            "Three control planes behind a virtual address and two workers, from nothing",
            rounds, lives.bare["whole"], lives.cold,
        ),
        _against(
            "Their upgrade to the next minor version, machine by machine, all of them drained",
            rounds, lives.bare["upgraded"], lives.upgrade,
        ),
        Table(
            "A control plane that died with its disk",
            ("", *rounds, "median s"),
            (
                ("pulumi refresh", *map(seconds, refresh), seconds(median(refresh))),
                ("pulumi up", *map(seconds, replace), seconds(median(replace))),
                ("both", *map(seconds, whole), seconds(median(whole))),
            ),
        ),
        steps.table(lives.refresh[-1], "the refresh that finds it dead"),
        steps.table(lives.replace[-1], "its replacement"),
    ]  # fmt: skip


def _said(up: float, upgrade: float) -> str:
    return f"up {up:.1f} s, upgrade {upgrade:.1f} s"


def _replace(fleet: BenchStack, lives: Lives) -> None:
    node_failure.lose(fleet.machines / fleets.CLUSTER / VICTIM)
    lives.refresh.append(fleet.refresh())
    lives.replace.append(fleet.up())


def _against(title: str, rounds: tuple[str, ...], bare: list[float], ours: list[float]) -> Table:
    return Table(
        title,
        ("", *rounds, "median s", "ratio"),
        (
            ("bare commands", *map(seconds, bare), seconds(median(bare)), "1.00"),
            (
                "pulumi up",
                *map(seconds, ours),
                seconds(median(ours)),
                ratio(median(ours), median(bare)),
            ),
        ),
    )
