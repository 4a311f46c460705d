"""`fleet backup`: snapshots of etcd on control planes, listed and copied."""

from collections.abc import Collection, Sequence
from pathlib import Path

import click
from rich.table import Table

from model import snapshot
from model.backups import Backups, KeptSnapshot, is_of_future
from model.machine import CONTROL_PLANE
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.hosts import snapshots
from ops.hosts.inventory import InventoryMachine
from ops.hosts.snapshots import CorruptSnapshot
from scripts.fleet import access, engine_run
from scripts.fleet.nodes import age
from scripts.fleet.report import print_document

FOUND, FAILED = 1, 2
MIB = 1 << 20
VERIFIED = {"kept": "when taken", "intact": "now", "corrupt": "<corrupt>"}


def show(
    stack: str,
    clusters: Collection[str],
    selector: LabelSelector | None,
    output: str,
    *,
    verify: bool,
) -> int:
    """Print the snapshots of these clusters, or of all; return the exit status."""
    inventory = engine_run.inventory(stack)
    if selector:
        clusters = access.matching_clusters(engine_run.existing_engine(stack), selector)
    machines = inventory.of_clusters(clusters)
    found = snapshots.read(
        [machine for machine in machines if machine.role == CONTROL_PLANE], verify=verify
    )
    if output == "table":
        engine_run.show(_table(found))
    else:
        print_document(found, output)
    _report_unreadable(found)
    if found.unreadable:
        return FAILED
    return FOUND if found.findings else 0


def fetch(stack: str, cluster: str, path: Path | None, *, now: bool) -> Path:
    """Copy the newest intact snapshot of a cluster into a new file; return its path."""
    machines = engine_run.inventory(stack).control_planes(cluster)
    if path is not None and path.exists():
        raise OperatorError(f"{path} exists: remove it, or name another file")
    if now:
        _take(machines)
    found = snapshots.read(machines)
    _report_unreadable(found)
    by_name = {machine.name: machine for machine in machines}
    for kept in found.snapshots:
        target = path or Path(f"{cluster}-{kept.name}")
        is_here = path is None and target.exists()
        try:
            checksum = (
                _verified(target) if is_here else snapshots.copy(by_name[kept.node], kept, target)
            )
        except CorruptSnapshot as error:
            click.echo(f"fleet: {error}; copying the one before it", err=True)
            continue
        how = "already here and verified" if is_here else f"copied from {kept.node} and verified"
        click.echo(
            f"{how}: the snapshot of {kept.taken:%Y-%m-%d %H:%M:%S} UTC (age {_age(kept, found)}), "
            f"{_size(kept)}, sha256 {checksum}; it holds every Secret of the cluster",
            err=True,
        )
        return target
    raise OperatorError(
        f"no control plane of {cluster} that answers has an intact snapshot: `fleet backup fetch "
        f"{cluster} --now` takes one"
    )


def _verified(path: Path) -> str:
    """Return the sha256 of the intact snapshot in a file that an earlier command copied."""
    try:
        return snapshot.read(str(path)).sha256
    except snapshot.SnapshotError as error:
        raise OperatorError(
            f"{path} exists, but is not an intact snapshot ({error}): remove it, or name another "
            "file with -O"
        ) from None


def _take(machines: Sequence[InventoryMachine]) -> None:
    """Take a snapshot on the first control plane where that succeeds."""
    errors = []
    for machine in machines:
        try:
            snapshots.take(machine)
        except OperatorError as error:
            errors.append(str(error))
        else:
            return
    raise OperatorError("\n".join(["no control plane could take a snapshot:", *errors]))


def _table(found: Backups) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("CLUSTER", "NODE", "SNAPSHOT", "AGE", "SIZE", "VERIFIED"):
        table.add_column(column, overflow="fold")
    for unknown in found.unreadable:
        table.add_row(unknown.cluster, unknown.node, "<unknown>", "-", "-", "-")
    kept_on = {kept.node for kept in found.snapshots}
    for lacking in (*found.overdue, *found.new):
        if lacking.node not in kept_on:
            none = "<none yet>" if lacking in found.new else "<none>"
            table.add_row(lacking.cluster, lacking.node, none, "-", "-", "-")
    for kept in found.snapshots:
        facts = (kept.name, _age(kept, found), _size(kept), VERIFIED[kept.state])
        table.add_row(kept.cluster, kept.node, *facts)
    return table


def _age(kept: KeptSnapshot, found: Backups) -> str:
    if is_of_future(kept.taken, found.time):
        return "<future>"
    return age((found.time - kept.taken).total_seconds())


def _size(kept: KeptSnapshot) -> str:
    return f"{kept.size_bytes / MIB:.1f} MiB"


def _report_unreadable(found: Backups) -> None:
    for unknown in found.unreadable:
        click.echo(f"fleet: {unknown.node}: {unknown.reason}", err=True)
    for overdue in found.overdue:
        click.echo(
            f"fleet: {overdue.node}: no snapshot of the last two days: see "
            "docs/runbooks/save-data.md",
            err=True,
        )
    for new in found.new:
        click.echo(
            f"fleet: {new.node}: joined within the hour, and takes its first snapshot by itself "
            "within minutes (`fleet backup fetch CLUSTER --now` takes one immediately)",
            err=True,
        )
