"""What the stack's file says of its clusters, beside what they say themselves.

To load a stack's file takes longer than all clusters take to answer: what follows from it is kept
until the file, the state or the program changes.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from model.node_metadata import lacking
from model.object_drift.declaration import DeclaredObject, from_plain
from model.status import starting
from model.status.condition import Condition, Severity
from model.status.fleet import ClusterStatus, FleetStatus
from ops.errors import OperatorError
from ops.kube.host_status import REPAIRED
from scripts.fleet import declared_clusters
from scripts.fleet.fleet_status import failure
from scripts.fleet.lazy_group import PROJECT
from scripts.fleet.nodes import NodeRow, rows_of
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import stamp_of, state_stamp

if TYPE_CHECKING:
    from model.config.resolved_cluster import ResolvedCluster

DECLARED, OBJECTS = "declared", "objects"
MANIFESTS = PROJECT / "manifests"
# By what a line of `machine_nodes.differences` is about.
REASONS = {
    "in the stack's file, but it does not exist": "ClusterMissing",
    "not in the stack's file": "ClusterNotDeclared",
    "a Node without a machine": "NodeNotDeclared",
    "a machine in the stack's file without a Node": "NodeMissing",
}


def declared(stack: str, cache: StatusCache) -> dict[str, Any]:
    """Return what the stack's file declares: machines, exceptions, rotations, and if it has people.

    Each machine has the `labels` and `taints` of its Node.

    Raises OperatorError if the file cannot be read.
    """
    stamp = [_file_stamp(stack), state_stamp(stack), _program_stamp()]
    found: dict[str, Any] | None = cache.get(DECLARED, stamp)
    if found is None:
        found = _read(stack)
        cache.put(DECLARED, found, stamp)
    return found


class DeclaredObjects:
    """The objects that the stack's file declares, rendered once, by whoever asks first."""

    def __init__(self, stack: str, cache: StatusCache) -> None:
        self._stack, self._cache, self._lock = stack, cache, Lock()
        self._found: dict[str, Any] | None = None

    def of(self, cluster: str) -> Sequence[DeclaredObject] | None:
        """Return those of a cluster; None if it is not declared. Raises OperatorError."""
        with self._lock:
            if self._found is None:
                self._found = self._read()
        return from_plain(self._found, cluster)

    def _read(self) -> dict[str, Any]:
        manifests = [max(MANIFESTS.rglob("*.yaml"), key=lambda path: path.stat().st_mtime_ns)]
        stamp = [_file_stamp(self._stack), _program_stamp(), stamp_of(manifests)]
        found: dict[str, Any] | None = self._cache.get(OBJECTS, stamp)
        if found is None:
            from model.object_drift.rendered import to_plain

            found = to_plain(declared_clusters.of_stack(self._stack))
            self._cache.put(OBJECTS, found, stamp)
        return found


def with_stack(
    status: FleetStatus,
    stack: str,
    cache: StatusCache,
    revoked: Sequence[str],
    *,
    is_selection: bool,
) -> FleetStatus:
    """Return a status with what the stack's file adds; an error in it hides nothing else."""
    try:
        found = declared(stack, cache)
    except OperatorError as error:
        return status.model_copy(
            update={
                "conditions": [*status.conditions, failure(error)],
                "revoked": [*revoked],
            }
        )
    rows = [row for cluster in status.clusters for row in rows_of(cluster)]
    conditions = list(_differences(rows, found["machines"], is_selection=is_selection))
    for cluster in status.clusters:
        conditions += _edited(cluster, found["machines"].get(cluster.name, {}), status.time)
    names = {cluster.name for cluster in status.clusters}
    clusters = [_with_lines(cluster, found, conditions) for cluster in status.clusters]
    others = [each for each in conditions if each.cluster not in names]
    others = [*status.conditions, *others]
    return status.model_copy(
        update={"clusters": clusters, "conditions": others, "revoked": [*revoked]}
    )


def _read(stack: str) -> dict[str, Any]:
    from model.access import access_to, revoked_in
    from ops.pulumi.workspace import open_workspace
    from scripts.fleet import machine_nodes
    from scripts.fleet.explanation import clusters_of

    clusters = clusters_of(open_workspace(stack).tracked_config)
    every: Any = [SimpleNamespace(cluster=name) for name in clusters]
    return {
        "machines": {name: _machines(cluster) for name, cluster in clusters.items()},
        "exceptions": _by_cluster(machine_nodes.read_exceptions(every, stack)),
        "rotations": _by_cluster(machine_nodes.read_rotations(every, stack)),
        "people": any(access_to(found) or revoked_in(found) for found in clusters.values()),
    }


def _machines(cluster: "ResolvedCluster") -> dict[str, dict[str, Any]]:
    from model import cluster_machines
    from model.machine import CONTROL_PLANE
    from ops.kube.node import ROLE_LABELS

    return {
        machine.name: {
            "labels": {**(ROLE_LABELS if machine.role == CONTROL_PLANE else {}), **machine.labels},
            "taints": [str(taint) for taint in machine.taints],
        }
        for machine in cluster_machines.of(cluster)
    }


def _by_cluster(lines: Sequence[str]) -> dict[str, list[str]]:
    """Return lines that begin with the name of a cluster, by that name."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, text = line.partition(": ")
        found.setdefault(name, []).append(text)
    return found


def _with_lines(
    cluster: ClusterStatus, found: Mapping[str, Any], conditions: Sequence[Condition]
) -> ClusterStatus:
    own = [each for each in conditions if each.cluster == cluster.name]
    return cluster.model_copy(
        update={
            "conditions": [*cluster.conditions, *own],
            "exceptions": found["exceptions"].get(cluster.name, []),
            "rotations": found["rotations"].get(cluster.name, []),
        }
    )


def _differences(
    rows: Sequence[NodeRow], machines: Mapping[str, Collection[str]], *, is_selection: bool
) -> Iterator[Condition]:
    from scripts.fleet.machine_nodes import differences

    shown = {row.cluster for row in rows}
    compared = {
        name: nodes for name, nodes in machines.items() if name in shown or not is_selection
    }
    for line in differences(rows, compared):
        where, _, message = line.partition(": ")
        cluster, _, node = where.partition("/")
        yield Condition(
            cluster=cluster,
            kind="Node" if node else "",
            name=node,
            severity=Severity.WARNING,
            reason=next(word for text, word in REASONS.items() if message.startswith(text)),
            message=message,
        )


def _edited(
    cluster: ClusterStatus, machines: Mapping[str, Mapping[str, Any]], now: datetime
) -> Iterator[Condition]:
    """Yield the Nodes without a label or taint that the stack's file declares."""
    for node in cluster.nodes if cluster.reachable else ():
        wanted = machines.get(node.name)
        lacks = wanted and [*lacking(node.labels, node.taints, wanted["labels"], wanted["taints"])]
        if lacks:
            condition = Condition(
                cluster=cluster.name,
                kind="Node",
                name=node.name,
                severity=Severity.WARNING,
                reason="NodeEdited",
                message=f"{', '.join(lacks)}: {REPAIRED}",
            )
            yield starting.judged(condition, node.created, now)


def _file_stamp(stack: str) -> str:
    file = PROJECT / f"Pulumi.{stack}.yaml"
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()


def _program_stamp() -> list[tuple[str, int, int]]:
    """Return what changes when the program does: its file that changed last."""
    files: list[Path] = [
        path for room in ("model", "scripts/fleet") for path in (PROJECT / room).rglob("*.py")
    ]
    return stamp_of([max(files, key=lambda path: path.stat().st_mtime_ns)])
