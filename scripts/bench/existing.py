"""A fleet of machines that exists: what it holds in the state, and how long runs take.

Stand-ins play hosts and clusters when the state is made (see stand_in_program). Runs without
changes and previews are those of the program itself; every API endpoint accepts connections and
answers none.
"""

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model import paths, pins
from scripts.bench import fleets
from scripts.bench.run import MeasuredRun
from scripts.bench.stack import PROJECT, BenchStack
from scripts.bench.table import Table, ratio, seconds

Say = Callable[[str], None]

STAND_INS = PROJECT / "scripts" / "bench" / "stand_in_program"
CLUSTERS = 2
SIZES = (20, 200)
# Changed in parallel, each for as long as a slow rollout of a small cluster.
CHANGED = 20
ROLLOUT_SECONDS = 30
WRITTEN_ONCE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
ROLLOUT = "KUBEADM_FLEET_BENCH_ROLLOUT"
MACHINES_OF_CHANGED = 4
# What one more machine may add to the state, after its join.
STATE_LIMIT = 15_000


@dataclass(frozen=True)
class ExistingTimes:
    """A fleet of `machines`: its state in bytes, and its runs.

    `upgrade` is the preview of an upgrade, which asks each cluster what its drains would delete.
    """

    machines: int
    state: int
    noop: MeasuredRun
    preview: MeasuredRun
    upgrade: MeasuredRun


def measure(sizes: Sequence[int], say: Say) -> list[ExistingTimes]:
    """Measure fleets of these sizes, all of them in the same number of clusters."""
    return [_measure(size, say) for size in sizes]


def state_bytes_per_machine(states: Mapping[int, int]) -> float:
    """Return what one more machine adds to the state; `states` are bytes by number of machines."""
    fewest, most = min(states), max(states)
    return (states[most] - states[fewest]) / (most - fewest)


def state_bytes(machines: int) -> int:
    """Return the size of the state of one cluster."""
    with _created(fleets.existing(machines)) as fleet:
        return fleet.state_bytes()


def measure_in_parallel(clusters: int, rollout_seconds: float) -> tuple[float, float]:
    """Return the seconds of an `up` that changes one of the clusters, and of one for all others."""
    variables = {ROLLOUT: str(rollout_seconds)}
    config = fleets.existing(clusters * MACHINES_OF_CHANGED, clusters)
    with _created(config) as fleet, fleet.played_by(STAND_INS, **variables):
        changes = config[fleets.KEY]["clusters"]
        runs = []
        for changed in (list(changes)[:1], list(changes)[1:]):
            for name in changed:
                changes[name]["kubelet"] = {"maxPods": 100}
            fleet.configure(config)
            runs.append(fleet.up().seconds)
    one, rest = runs
    return one, rest


def tables(say: Say) -> Iterator[Table]:
    """Measure everything, and return the results as tables."""
    measured = measure(SIZES, say)
    growth = state_bytes_per_machine({times.machines: times.state for times in measured})
    yield Table(
        "A fleet that exists, with silent endpoints",
        ("machines", "up without changes s", "preview s", "preview of an upgrade s", "state kB"),
        tuple(_row(times) for times in measured),
        f"{CLUSTERS} clusters each. One more machine adds {growth:.0f} bytes to the state.",
    )
    one, others = measure_in_parallel(CHANGED, ROLLOUT_SECONDS)
    say(f"a rollout of {ROLLOUT_SECONDS} s: {one:.1f} s; {CHANGED - 1} of them: {others:.1f} s")
    yield Table(
        f"Clusters changed in parallel, each in {ROLLOUT_SECONDS} s",
        ("clusters", "up s", "ratio"),
        (
            ("1", seconds(one), "1.00"),
            (str(CHANGED - 1), seconds(others), ratio(others, one)),
        ),
    )


def _measure(machines: int, say: Say) -> ExistingTimes:
    with ExitStack() as stack:
        endpoints = [stack.enter_context(_silent_endpoint()) for _ in range(CLUSTERS)]
        config = fleets.existing(machines, CLUSTERS, endpoints)
        with _created(config) as fleet:
            # The first run of the program itself records its own providers in the state.
            with fleet.played_by(PROJECT, **WRITTEN_ONCE):
                fleet.up()
            state = fleet.state_bytes()
            noop, preview = fleet.up(), fleet.preview()
            upgrade = {**config[fleets.KEY], "kubernetesVersion": pins.KUBERNETES_NEWEST}
            fleet.configure({**config, fleets.KEY: upgrade})
            measured = ExistingTimes(machines, state, noop, preview, fleet.preview())
    say(f"{machines} machines that exist: up {noop.seconds:.1f} s, preview {preview.seconds:.1f} s")
    return measured


@contextmanager
def _created(config: dict[str, Any]) -> Iterator[BenchStack]:
    """Yield a fleet that stand-ins created: nothing but its folder exists."""
    base = paths.cache_dir() / "bench"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=base, prefix="stand-in-"))
    try:
        fleet = BenchStack(folder, PROJECT, config)
        # The state is written once, not after each of a thousand steps.
        with fleet.played_by(STAND_INS, **WRITTEN_ONCE):
            fleet.up()
        yield fleet
    finally:
        shutil.rmtree(folder)


@contextmanager
def _silent_endpoint() -> Iterator[str]:
    """Yield an endpoint that accepts connections and answers none."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield f"localhost:{server.getsockname()[1]}"


def _row(times: ExistingTimes) -> tuple[str, ...]:
    runs = (times.noop, times.preview, times.upgrade)
    return (
        str(times.machines),
        *(seconds(run.seconds) for run in runs),
        f"{times.state / 1000:.0f}",
    )
