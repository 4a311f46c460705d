"""The nodes of every cluster in a kubeconfig: as a table, with the problems of each.

Read as raw JSON with the standard library: the Kubernetes client takes longer to import than a
cluster takes to answer.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from model.well_known import POOL_LABEL, ROLE_DOMAIN
from ops.errors import text_of
from ops.kube.access import Access
from ops.kube.errors import CLOSED, NO_SERVER
from ops.kube.node import PENDING, RENEWAL
from scripts.fleet.kubeconfig import read_clusters

COLUMNS = ("cluster", "name", "roles", "pool", "status", "version", "address", "age")
_ROLE = f"{ROLE_DOMAIN}/"
_TIMEOUT = 10  # seconds, for one cluster's answer
# On a healthy Node, Ready is True and every other condition is False.
READY = "Ready"
NO_NODES = "no nodes"
RUNBOOK = "docs/runbooks/api-unavailable.md"
CERTIFICATES = "docs/runbooks/certificates.md"


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
    problems: tuple[str, ...] = ()

    @property
    def is_node(self) -> bool:
        """Whether it is a Node's row: its cluster answered, and has one."""
        return self.name != NodeRow.name

    @property
    def answered(self) -> bool:
        """Whether its cluster answered, possibly that it has no Node."""
        return self.is_node or self.status == NO_NODES


def read_nodes(kubeconfigs: Sequence[Path]) -> list[NodeRow]:
    """Query all clusters for their nodes in parallel, in the order of the kubeconfigs' contexts."""
    clusters = [pair for path in kubeconfigs for pair in read_clusters(path).items()]
    with ThreadPoolExecutor(max_workers=16) as pool:
        found = pool.map(lambda pair: _read_cluster(*pair), clusters)
        return [row for rows in found for row in rows]


def node_table(rows: Iterable[NodeRow]) -> Table:
    """Return the rows as a table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(getattr(row, column) for column in COLUMNS))
    return table


def _read_cluster(cluster: str, kubeconfig: str) -> list[NodeRow]:
    try:
        nodes = _get(kubeconfig, "/api/v1/nodes")["items"]
    except Exception as error:  # An error in one cluster does not hide the others.
        return [_failed(cluster, error)]
    now = datetime.now(UTC)
    none = NodeRow(cluster, status=NO_NODES, problems=(f"{cluster}: {NO_NODES}",))
    return [_row(cluster, node, now) for node in nodes] or [none]


def _failed(cluster: str, error: Exception) -> NodeRow:
    cause = getattr(error, "reason", error)
    reason = text_of(cause) if isinstance(cause, BaseException) else str(cause)
    if isinstance(cause, CLOSED):
        reason = NO_SERVER
    kind, advice = "unreachable", f": see {RUNBOOK}"
    if isinstance(error, urllib.error.HTTPError):
        kind, advice = "error", ""
    elif isinstance(cause, ssl.SSLCertVerificationError):
        advice = f": see {CERTIFICATES}"
    status = f"API {kind}: {reason.rpartition(': ')[2]}"
    return NodeRow(cluster, status=status, problems=(f"{cluster}: {status}{advice}",))


def _get(kubeconfig: str, path: str) -> Any:
    document = yaml.safe_load(kubeconfig)
    (user,), (cluster,) = document["users"], document["clusters"]
    server = cluster["cluster"]["server"]
    token = user["user"].get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if server.startswith("https:"):
        context = ssl.create_default_context() if token else Access.of(kubeconfig).tls
        handlers.append(urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(server + path, headers=headers)  # noqa: S310 (ours)
    with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT) as answer:
        return json.load(answer)


def _row(cluster: str, node: Any, now: datetime) -> NodeRow:
    metadata, status = node["metadata"], node["status"]
    labels = metadata.get("labels") or {}
    roles = sorted(label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE))
    conditions = status.get("conditions") or []
    ready = any(found["type"] == READY and found["status"] == "True" for found in conditions)
    cordoned = bool(node["spec"].get("unschedulable"))
    shown = READY if ready else "NotReady"
    addresses = [a["address"] for a in status.get("addresses") or [] if a["type"] == "InternalIP"]
    where = f"{cluster}/{metadata['name']}"
    problems = [f"{where}: {text}" for text in _problems(conditions, now)]
    if not ready and not problems:
        problems.append(f"{where}: the kubelet has not reported yet")
    annotations = metadata.get("annotations") or {}
    if pending := annotations.get(PENDING):
        problems.append(f"{where}: a change is pending until it is available: {pending}")
    if failures := annotations.get(RENEWAL):
        problems.append(f"{where}: its timer failed: {failures}")
    if cordoned:
        problems.append(f"{where}: cordoned: no new pods are scheduled on this node")
    return NodeRow(
        cluster=cluster,
        name=metadata["name"],
        roles=",".join(roles) or "worker",
        pool=labels.get(POOL_LABEL, "-"),
        status=f"{shown},SchedulingDisabled" if cordoned else shown,
        version=status.get("nodeInfo", {}).get("kubeletVersion") or "-",
        address=",".join(addresses) or "-",
        age=age((now - _time(metadata["creationTimestamp"])).total_seconds()),
        problems=tuple(problems),
    )


def _problems(conditions: Iterable[Any], now: datetime) -> Iterator[str]:
    """Describe the conditions with an unexpected status, since when, and why."""
    for condition in conditions:
        is_ready = condition["type"] == READY
        if condition["status"] == ("True" if is_ready else "False"):
            continue
        name = "NotReady" if is_ready else f"{condition['type']} is {condition['status']}"
        since = condition.get("lastTransitionTime")
        duration = f" for {age((now - _time(since)).total_seconds())}" if since else ""
        reason = condition.get("message") or condition.get("reason") or ""
        yield f"{name}{duration}" + (f": {reason}" if reason else "")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def age(seconds: float) -> str:
    """Format a duration as kubectl does: its two largest units, or one if that is enough."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}" if count else "")
    return "".join(parts[:2]) or "0s"
