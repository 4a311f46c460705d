"""The nodes of every cluster in a kubeconfig, as a table."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes import client, config
from rich.table import Table

from model.well_known import ROLE_DOMAIN

COLUMNS = ("cluster", "name", "roles", "status", "version", "address", "age")
_ROLE = f"{ROLE_DOMAIN}/"
_TIMEOUT = 10  # seconds, for one cluster's answer


@dataclass(frozen=True)
class NodeRow:
    """One line of the table; a cluster that does not answer has one with the reason as status."""

    cluster: str
    name: str = "-"
    roles: str = "-"
    status: str = "-"
    version: str = "-"
    address: str = "-"
    age: str = "-"


def read_nodes(kubeconfig: Path) -> list[NodeRow]:
    """Ask all clusters at once for their nodes, in the order of the kubeconfig's contexts."""
    contexts, _ = config.list_kube_config_contexts(str(kubeconfig))
    with ThreadPoolExecutor(max_workers=16) as pool:
        found = pool.map(lambda context: _read_cluster(kubeconfig, context), contexts)
        return [row for rows in found for row in rows]


def node_table(rows: Iterable[NodeRow]) -> Table:
    """Give the rows as a table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(getattr(row, column) for column in COLUMNS))
    return table


def _read_cluster(kubeconfig: Path, context: dict[str, Any]) -> list[NodeRow]:
    cluster = str(context["context"]["cluster"])
    try:
        settings = client.Configuration()
        settings.retries = False
        api = config.new_client_from_config(
            str(kubeconfig), context=context["name"], client_configuration=settings
        )
        nodes = client.CoreV1Api(api).list_node(_request_timeout=_TIMEOUT).items
    except Exception as error:  # Whatever is wrong with one cluster, the others are shown.
        reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        return [NodeRow(cluster, status=f"no answer: {reason.rpartition(': ')[2]}")]
    now = datetime.now(UTC)
    return [_row(cluster, node, now) for node in nodes] or [NodeRow(cluster, status="no nodes")]


def _row(cluster: str, node: Any, now: datetime) -> NodeRow:
    labels = node.metadata.labels or {}
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    ready = any(c.type == "Ready" and c.status == "True" for c in node.status.conditions or [])
    status = "Ready" if ready else "NotReady"
    if node.spec.unschedulable:
        status += ",SchedulingDisabled"
    addresses = [a.address for a in node.status.addresses or [] if a.type == "InternalIP"]
    return NodeRow(
        cluster=cluster,
        name=node.metadata.name,
        roles=",".join(roles) or "worker",
        status=status,
        version=node.status.node_info.kubelet_version,
        address=",".join(addresses) or "-",
        age=age((now - node.metadata.creation_timestamp).total_seconds()),
    )


def age(seconds: float) -> str:
    """Give a duration as kubectl does: its two largest units, or one where that is enough."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return "".join(parts[:2]) or "0s"
