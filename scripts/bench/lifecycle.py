"""The lifecycle of a cluster with three control planes: create, upgrade, replace one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from model import paths
from scripts.bench import baseline, fleets, node_failure, steps
from scripts.bench.run import MeasuredRun
from scripts.bench.stack import PROJECT, BenchStack, stack
from scripts.bench.subnet import subnet
from scripts.bench.table import Table, ratio, seconds

# The control plane that initialized the cluster.
VICTIM = f"{fleets.CLUSTER}-control-plane-0"


@dataclass
class LifecycleTimes:
    """The measured durations in seconds, in the order of the rounds."""

    bare: dict[str, list[float]] = field(default_factory=lambda: {"ready": [], "upgraded": []})
    cold: list[float] = field(default_factory=list)
    upgrade: list[float] = field(default_factory=list)
    refresh: list[MeasuredRun] = field(default_factory=list)
    replace: list[MeasuredRun] = field(default_factory=list)


def measure(
    from_version: str, to_version: str, rounds: int, say: Callable[[str], None]
) -> LifecycleTimes:
    """Measure `rounds` lifecycles, each after a run of the bare script."""
    times = LifecycleTimes()
    with subnet(84) as network:
        for number in range(1, rounds + 1):
            arguments = (
                baseline.prefix(network),
                str(paths.bundle_dir(to_version)),
                f"v{to_version}",
            )
            laps = baseline.run("ha.sh", from_version, *arguments)
            for name, durations in times.bare.items():
                durations.append(laps[name])
            say(f"lifecycle {number}: bare commands: {_text(laps['ready'], laps['upgraded'])}")
            with stack(PROJECT, fleets.highly_available(from_version, network)) as fleet:
                times.cold.append(fleet.up().seconds)
                fleet.configure(fleets.highly_available(to_version, network))
                times.upgrade.append(fleet.up().seconds)
                _replace(fleet, times)
            replacement = times.refresh[-1].seconds + times.replace[-1].seconds
            say(
                f"lifecycle {number}: pulumi: {_text(times.cold[-1], times.upgrade[-1])}, "
                f"replacement {replacement:.1f} s"
            )
    return times


def tables(times: LifecycleTimes) -> list[Table]:
    """Return the comparison with the bare commands, and the duration of a replacement."""
    rounds = tuple(f"round {number} s" for number in range(1, len(times.cold) + 1))
    refresh = [run.seconds for run in times.refresh]
    replace = [run.seconds for run in times.replace]
    total = [sum(pair) for pair in zip(refresh, replace, strict=True)]
    return [
        _against(
            "Three control planes behind a virtual address and two workers: creation",
            rounds, times.bare["ready"], times.cold,
        ),
        _against(
            "Their upgrade to the next minor version, serially, with drains",
            rounds, times.bare["upgraded"], times.upgrade,
        ),
        Table(
            "Replacement of a control plane that was lost with its disk",
            ("", *rounds, "median s"),
            (
                ("pulumi refresh", *map(seconds, refresh), seconds(median(refresh))),
                ("pulumi up", *map(seconds, replace), seconds(median(replace))),
                ("both", *map(seconds, total), seconds(median(total))),
            ),
        ),
        steps.table(times.refresh[-1], "the refresh that detects the loss"),
        steps.table(times.replace[-1], "the replacement"),
    ]  # fmt: skip


def _text(up: float, upgrade: float) -> str:
    return f"up {up:.1f} s, upgrade {upgrade:.1f} s"


def _replace(fleet: BenchStack, times: LifecycleTimes) -> None:
    node_failure.lose(fleet.machines / fleets.CLUSTER / VICTIM)

    times.refresh.append(fleet.refresh())
    times.replace.append(fleet.up())


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
