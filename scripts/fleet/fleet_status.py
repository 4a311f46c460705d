"""The status of a fleet: all clusters asked together, and what others last said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError

from model.object_drift.declaration import DeclaredObject
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import ClusterStatus, FleetStatus
from ops import fan_out
from ops.errors import OperatorError
from ops.fan_out import Late
from ops.kube import cluster_status, host_status, object_status, unreachable
from ops.kube.cluster_status import EtcdReading
from ops.kube.host_status import HostsReading
from scripts.fleet import status_clocks
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import Target

LAST_KNOWN = "clusters"
# Of the time-out, for the machines' reports, and for objects.
HOSTS_SHARE = 0.8
OBJECTS_SHARE = 0.8
# What is read of each cluster, at the same time.
PARTS = 4
# Which of them is the machines' reports.
HOSTS = 2
# Asked beside the clusters, with the same deadline.
Beside = Callable[[], Any]
# The objects that are declared of a cluster, None if that is not known.
Declared = Callable[[str], Sequence[DeclaredObject] | None]


@dataclass(frozen=True)
class Asked:
    """The status of the clusters, and the answer to the call beside them."""

    status: FleetStatus
    beside: Any


def ask(
    targets: Sequence[Target],
    seconds: float,
    cache: StatusCache,
    beside: Beside | None = None,
    declared: Declared | None = None,
) -> Asked:
    """Ask all clusters and return within `seconds`, whatever does not answer.

    etcd, the reports of machines and the objects that are `declared` are read beside the rest of
    their cluster, whose status is known without them as well.
    """
    parts: list[Callable[[], Any]] = []
    for target in targets:
        parts += [partial(each, target, seconds) for each in (_read, _read_etcd, _read_hosts)]
        parts.append(partial(_read_objects, target, seconds, declared))
    if beside is not None:
        parts.append(beside)
    answers = fan_out.ask(parts, lambda part: part(), seconds)
    known = cache.get(LAST_KNOWN)
    known = known if isinstance(known, dict) else {}
    by_target = [answers[PARTS * index :][:PARTS] for index in range(len(targets))]
    clusters = [
        _combined(target, known.get(target.name), *its)
        for target, its in zip(targets, by_target, strict=True)
    ]
    _remember(clusters, known, cache)
    hosts = (its[HOSTS].value for its in by_target)
    clusters, conditions = status_clocks.judged([*zip(clusters, hosts, strict=True)])
    status = FleetStatus(time=datetime.now(UTC), clusters=clusters, conditions=conditions)
    return Asked(status, answers[-1] if beside is not None else None)


def _read(target: Target, seconds: float) -> ClusterStatus:
    client = target.client(seconds)
    found = cluster_status.read(client, target.name, seconds, is_ours=target.is_ours)
    return found.model_copy(update={"labels": target.labels})


def _read_etcd(target: Target, seconds: float) -> EtcdReading:
    return cluster_status.read_etcd(target.client(seconds), target.name)


def _read_hosts(target: Target, seconds: float) -> HostsReading:
    # What the slowest machines do not say in time must not hide the others.
    client = target.client(seconds)
    return host_status.read(client, target.name, seconds * HOSTS_SHARE)


def _read_objects(target: Target, seconds: float, declared: Declared | None) -> list[Condition]:
    known = declared(target.cluster) if declared else None
    if known is None:
        return []
    client = target.client(seconds)
    return object_status.read(client, target.name, known, seconds * OBJECTS_SHARE)


def _combined(
    target: Target,
    known: Any,
    core: fan_out.Answer[Any, ClusterStatus],
    etcd: fan_out.Answer[Any, EtcdReading],
    hosts: fan_out.Answer[Any, HostsReading],
    objects: fan_out.Answer[Any, list[Condition]],
) -> ClusterStatus:
    if core.value is None:
        return _unreachable(target, core.error or Late(0), known)
    found = core.value
    reading = etcd.value or EtcdReading(None, reason=str(etcd.error))
    conditions = [*found.conditions, *reading.conditions]
    if reading.etcd is None and found.control_planes and found.control_planes.total:
        # Without control planes among the Nodes, etcd is somebody else's.
        conditions.append(
            Condition(
                cluster=target.name,
                kind="etcd",
                name="etcd",
                ready=Ready.UNKNOWN,
                severity=Severity.INFO,
                reason="EtcdUnknown",
                message=f"etcd could not be asked: {reading.reason}",
            )
        )
    differing = objects.value
    if differing is None:
        message = f"its objects could not be compared: {objects.error}"
        differing = [object_status.unknown(target.name, message)]
    conditions += differing
    return _with_hosts(
        found.model_copy(update={"etcd": reading.etcd, "conditions": conditions}), hosts
    )


def _with_hosts(status: ClusterStatus, answer: fan_out.Answer[Any, HostsReading]) -> ClusterStatus:
    """Add what machines report; an error in reading it is an unknown, not a problem."""
    hosts = answer.value
    if hosts is None:
        condition = Condition(
            cluster=status.name,
            ready=Ready.UNKNOWN,
            severity=Severity.INFO,
            reason="HostsUnknown",
            message=f"what its machines report could not be read: {answer.error}",
        )
        return status.model_copy(update={"conditions": [*status.conditions, condition]})
    known = [each for each in (status.certificate, hosts.certificate) if each]
    return status.model_copy(
        update={
            "conditions": [*status.conditions, *hosts.conditions],
            "certificate": min(known, key=lambda each: each.expires, default=None),
            "last_backup": hosts.backup or status.last_backup,
        }
    )


def _unreachable(target: Target, error: Exception, known: Any) -> ClusterStatus:
    condition = unreachable.condition(target.name, error)
    last = _last(known)
    if last is None:
        return ClusterStatus(
            name=target.name, labels=target.labels, reachable=False, conditions=[condition]
        )
    seen = f"{condition.message}; what is shown was read at {last.as_of:%Y-%m-%d %H:%M:%S} UTC"
    told = condition.model_copy(update={"message": seen})
    return last.model_copy(
        update={"reachable": False, "labels": target.labels, "conditions": [told]}
    )


def _last(known: Any) -> ClusterStatus | None:
    """Return what the cache has of a cluster; None if it is of another version, or damaged."""
    try:
        last = ClusterStatus.model_validate(known)
    except ValidationError:
        return None
    return last if last.as_of else None


def _remember(clusters: Sequence[ClusterStatus], known: dict[str, Any], cache: StatusCache) -> None:
    """Keep what was read now, in place of what was read before; single Nodes are not kept."""
    read = {
        each.name: each.model_copy(update={"nodes": [], "conditions": []}).model_dump(
            mode="json", by_alias=True, exclude={"ready"}
        )
        for each in clusters
        if each.reachable
    }
    if read:
        cache.put(LAST_KNOWN, {**known, **read})


def failure(error: OperatorError) -> Condition:
    """Return the condition of a stack that could not be compared with its file."""
    return Condition(
        cluster="",
        ready=Ready.UNKNOWN,
        severity=Severity.WARNING,
        reason="StackFileUnknown",
        message=f"the Nodes could not be compared with the stack's file: {error}",
    )


def without_declaration() -> Condition:
    """Return the condition of clusters of which no stack is known."""
    return Condition(
        cluster="",
        ready=Ready.UNKNOWN,
        severity=Severity.INFO,
        reason="DeclarationUnknown",
        message="objects are not compared with what is declared: a kubeconfig does not say what "
        "is; `fleet status STACK` compares them",
    )
