"""The members of a cluster's etcd, as tables."""

from collections.abc import Iterable, Sequence

import click
from rich.table import Table

from ops.errors import OperatorError
from ops.kube import defragmentation
from ops.kube.client import Client
from ops.kube.defragmentation import Defragmented, Member
from ops.kube.etcd_space import MIB
from scripts.fleet import access
from scripts.fleet.engine_run import engine_of, require_unlocked, show


def show_status(stack: str, cluster: str) -> int:
    """Print the members of a cluster's etcd; return 1 if one needs attention."""
    members = defragmentation.members(_client(stack, cluster))
    show(status_table(members))
    return int(any(not member.healthy or _alarms(member) for member in members))


def defragment(stack: str, cluster: str) -> None:
    """Defragment a cluster's etcd and print each member's space before and after."""
    client = _client(stack, cluster)
    require_unlocked(engine_of(stack))
    done: list[Defragmented] = []

    def report(line: str) -> None:
        click.echo(f"    {line}", err=True)

    try:
        for member in defragmentation.defragment(client, report):
            done.append(member)
    finally:
        if done:
            show(defragmentation_table(done))


def status_table(members: Iterable[Member]) -> Table:
    """Return a row for each member."""
    table = _table("MEMBER", "ADDRESS", "ROLE", "HEALTH", "SIZE", "IN USE", "QUOTA", "ALARMS")
    for member in members:
        database = member.database
        sizes = (database.size, database.in_use, database.quota) if database else ()
        table.add_row(
            *(member.name, member.address, member.role),
            "healthy" if member.healthy else "unhealthy",
            *(map(_size, sizes) if sizes else "---"),
            _alarms(member) or "-",
        )
    return table


def defragmentation_table(done: Sequence[Defragmented]) -> Table:
    """Return a row for each member that was defragmented."""
    table = _table("MEMBER", "ROLE", "BEFORE", "AFTER", "IN USE", "QUOTA", "TIME")
    for turn in done:
        before, after = turn.member.database, turn.after
        sizes = (before.size if before else 0, after.size, after.in_use, after.quota)
        table.add_row(
            turn.member.name, turn.member.role, *map(_size, sizes), f"{turn.seconds:.1f} s"
        )
    return table


def _client(stack: str, cluster: str) -> Client:
    files = {file.name: file for file in access.cluster_kubeconfigs(stack)}
    if cluster not in files:
        raise OperatorError(
            f"the stack {stack} has no cluster {cluster}; its clusters: {', '.join(files)}"
        )
    return Client(files[cluster].read_text(encoding="utf-8"))


def _alarms(member: Member) -> str:
    return ",".join(member.database.alarms) if member.database else ""


def _size(count: int) -> str:
    return f"{count / MIB:.1f} MiB"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
