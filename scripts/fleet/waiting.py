"""Clusters whose change waits for an earlier wave, and reruns until none does."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

# A suspended host does not count time: the clock is checked again.
LOOK_SECONDS = 60


def waiting_clusters(outputs: Mapping[str, Any]) -> dict[str, datetime]:
    """Return the time until which each waiting cluster waits, from the stack's outputs."""
    return {
        name: datetime.fromisoformat(cluster["waiting"]["until"])
        for name, cluster in (outputs.get("clusters") or {}).items()
        if cluster.get("waiting")
    }


def show_waiting(outputs: Mapping[str, Any]) -> None:
    """Print the clusters that wait for the soak of an earlier wave, and until when."""
    for name, until in waiting_clusters(outputs).items():
        click.echo(
            f"{name}: its change waits until {until:%Y-%m-%d %H:%M:%S} UTC; the next `fleet up` "
            "after that makes it (or `fleet up --wait`)"
        )


def run_until_none_waits(
    run: Callable[[], None],
    outputs: Callable[[], Mapping[str, Any]],
    say: Callable[[str], None],
) -> None:
    """Run, and rerun after each soak, until no cluster waits any longer."""
    run()
    while waiting := waiting_clusters(outputs()):
        until = min(waiting.values())
        say(
            f"{', '.join(waiting)}: waiting until {until:%Y-%m-%d %H:%M:%S} UTC. This may be "
            "interrupted: a later `up` continues."
        )
        _sleep_until(until)
        run()


def _sleep_until(until: datetime) -> None:
    while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, LOOK_SECONDS))
