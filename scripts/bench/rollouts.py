"""A rollout of one kubelet setting: its requests to the API, by the number of Nodes.

The API is the one that tests use (tests/ops/rollout/large_rollout.py), and machines are fake: what
a rollout asks does not depend on how fast either is.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence

from scripts.bench.run import BenchError
from scripts.bench.stack import PROJECT
from scripts.bench.table import Table

NODES = (50, 100, 200)
MODULE = "tests.ops.rollout.large_rollout"


def measure(sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return for each number of Nodes: itself, the requests, and the bytes of their answers."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE, *map(str, sizes)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"the rollout failed:\n{done.stderr}")
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    return [(nodes, requests, size) for nodes, requests, size in rows]


def table(say: Callable[[str], None]) -> Table:
    """Measure, and return the result as a table."""
    measured = measure(NODES)
    say(f"a rollout over {measured[-1][0]} Nodes: {measured[-1][1]} requests")
    return Table(
        "A rollout of one kubelet setting",
        ("Nodes", "requests", "per Node", "kB", "kB per Node"),
        tuple(
            (
                str(nodes),
                str(requests),
                f"{requests / nodes:.2f}",
                f"{size / 1000:.0f}",
                f"{size / nodes / 1000:.1f}",
            )
            for nodes, requests, size in measured
        ),
        "A Node of 14 kB, as kubelets with many images report it.",
    )
