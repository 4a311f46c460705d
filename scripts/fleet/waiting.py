"""Clusters whose change waits for an earlier wave, and reruns until none does."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import click

# Sleeping is not enough: its timer stops while this computer is suspended.
CLOCK_CHECK_SECONDS = 60


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
            f"{name}: waits until {until:%Y-%m-%d %H:%M:%S} UTC; the next `fleet up` after that "
            "changes it (or use `fleet up --wait`)"
        )


def run_until_none_waits(
    run: Callable[[], None],
    outputs: Callable[[], Mapping[str, Any]],
    report: Callable[[str], None],
) -> None:
    """Run, and rerun after each soak, until no cluster waits any longer."""
    run()
    while waiting := waiting_clusters(outputs()):
        until = min(waiting.values())
        report(
            f"{', '.join(waiting)}: waiting until {until:%Y-%m-%d %H:%M:%S} UTC. It is safe to "
            "interrupt this: a later `fleet up` resumes."
        )
        _sleep_until(until)
        run()


def _sleep_until(until: datetime) -> None:
    while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
        time.sleep(min(left, CLOCK_CHECK_SECONDS))
