"""The Nodes of every cluster in a kubeconfig, as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from model.status.fleet import ClusterStatus, NodeStatus
from ops import fan_out
from ops.kube import node_status, unreachable
from ops.kube.apply import FIELD_MANAGER
from ops.kube.cluster_status import NO_NODES
from scripts.fleet.targets import Target, of_kubeconfig

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("cluster", "name", "roles", "pool", "status", "version", "address", "age")
SECONDS = 10.0
READY = "Ready"


@dataclass(frozen=True)
class NodeRow:
    """One row of the table; an unreachable cluster has one row with the reason as its status."""

    cluster: str
    name: str = "-"
    roles: str = "-"
    pool: str = "-"
    status: str = "-"
    version: str = "-"
    address: str = "-"
    age: str = "-"

    @property
    def is_node(self) -> bool:
        """Whether it is a Node's row: its cluster answered, and has one."""
        return self.name != NodeRow.name

    @property
    def answered(self) -> bool:
        """Whether its cluster answered, possibly that it has no Node."""
        return self.is_node or self.status == NO_NODES


def read_nodes(kubeconfigs: Sequence[Path], seconds: float = SECONDS) -> list[NodeRow]:
    """Ask all clusters at the same time, in the order of the kubeconfigs' contexts."""
    targets = [target for path in kubeconfigs for target in of_kubeconfig(path, is_ours=True)]
    answers = fan_out.ask(targets, lambda target: _nodes(target, seconds), seconds)
    return [
        row
        for answer in answers
        for row in _rows(answer.target.cluster, answer.value, answer.error)
    ]


def rows_of(cluster: ClusterStatus) -> list[NodeRow]:
    """Return the rows of a cluster's status."""
    if cluster.reachable:
        return _rows(cluster.name, cluster.nodes, None)
    return [NodeRow(cluster.name, status=cluster.conditions[0].message.partition(": see ")[0])]


def _nodes(target: Target, seconds: float) -> list[NodeStatus]:
    client = target.client(seconds)
    return client.reduced(
        "/api/v1/nodes", lambda node: node_status.read(target.cluster, node, FIELD_MANAGER).status
    )


def _rows(
    cluster: str, nodes: Sequence[NodeStatus] | None, error: Exception | None
) -> list[NodeRow]:
    if nodes is None:
        return [NodeRow(cluster, status=unreachable.summary(error or fan_out.Late(0)))]
    now = datetime.now(UTC)
    return [_row(cluster, node, now) for node in nodes] or [NodeRow(cluster, status=NO_NODES)]


def _row(cluster: str, node: NodeStatus, now: datetime) -> NodeRow:
    shown = READY if node.ready else "NotReady"
    return NodeRow(
        cluster=cluster,
        name=node.name,
        roles=",".join(node.roles),
        pool=node.pool or "-",
        status=f"{shown},SchedulingDisabled" if node.cordoned else shown,
        version=node.version or "-",
        address=",".join(node.addresses) or "-",
        age=age((now - node.created).total_seconds()) if node.created else "-",
    )


def node_table(rows: Iterable[NodeRow]) -> "Table":
    """Return the rows as a table for the terminal."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(getattr(row, column) for column in COLUMNS))
    return table


def age(seconds: float) -> str:
    """Format a duration as kubectl does: its two largest units, or one if that is enough."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return "".join(parts[:2]) or "0s"
