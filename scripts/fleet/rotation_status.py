"""Where the rotations of a stack stand, and the command that continues them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import click
from rich.table import Table

from model.rotation_phases import FINISH, NAMES, Rotations, is_under_way
from ops.pulumi.deployment import Deployment
from scripts.fleet.engine_run import existing_engine, show
from scripts.fleet.rotation_begin import KINDS

RUNNING = "wait: a run is under way"
COLUMNS = ("CLUSTER", "SUBJECT", "PHASE", "MACHINES", "NEXT")


def show_status(stack: str) -> None:
    """Print the phase of each rotation in the stack's state, and the command for what is next."""
    engine = existing_engine(stack)
    locks = engine.locks()
    rows = status(engine.deployment(), stack, is_running=any(lock.is_held for lock in locks))
    for lock in locks:
        click.echo(f"fleet: {lock.text}", err=True)
    if not rows:
        click.echo(f"no rotation is under way in the stack {stack}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    show(table)


def status(
    deployment: Deployment, stack: str, *, is_running: bool = False
) -> list[tuple[str, ...]]:
    """Return the columns of each rotation in the state.

    Machines are in an earlier phase than the CA while an earlier wave holds their cluster, or after
    a run that failed. While one is under way, nothing is to be typed.
    """
    phases = {
        found.name: found.outputs.get("phase", "")
        for kind in KINDS
        for found in deployment.of_kind(kind)
    }
    reached: Mapping[str, Mapping[str, Any]] = {
        found.name: found.outputs.get("rotations") or {} for found in deployment.of_kind("Rollout")
    }
    rows: list[tuple[str, ...]] = []
    for cluster in deployment.outputs.get("clusters", {}):
        for subject in NAMES:
            if phase := phases.get(f"{cluster}-{subject}"):
                machines = reached.get(f"{cluster}-rollout", {}).get(subject, "")
                next_ = _next(stack, cluster, subject, phase, machines)
                next_ = RUNNING if is_running and next_ != "-" else next_
                rows.append((cluster, subject, phase, machines or "-", next_))
    return rows


def _next(stack: str, cluster: str, subject: str, phase: str, machines: str) -> str:
    if machines != phase:
        return f"fleet up {stack}"
    return "-" if phase == FINISH else command(stack, cluster, subject)


def command(stack: str, cluster: str, subject: str) -> str:
    """Return the command for the next phase."""
    return f"fleet rotate {subject} --cluster {cluster} -s {stack}"


def following(stack: str, cluster: str, subject: str, phase: str) -> str:
    """Say which phase is reached, and how the rotation continues."""
    if phase == FINISH:
        return f"the rotation of {subject} is complete"
    return f"{subject} is in the phase {phase}; next: {command(stack, cluster, subject)}"


def under_way(
    rotations: Mapping[str, Rotations], stack: str, shown: Collection[str]
) -> Iterator[str]:
    """Yield a line for each rotation that the stack's file has begun, of the clusters shown."""
    for cluster, its in rotations.items():
        for subject, phase in its.by_name.items():
            if cluster in shown and is_under_way(phase):
                yield f"{cluster}: {following(stack, cluster, subject, phase)}"
