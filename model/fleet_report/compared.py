"""What clusters' APIs say beside their status: how they compare, and what they have room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from model.capacity.report import CapacityReport
from model.consistency.report import Consistency, NotRead
from model.fleet_report import differences, room
from model.fleet_report.differences import Differences
from model.fleet_report.document import Source, SourceName, SourceState
from model.fleet_report.room import FleetRoom
from model.plural import counted
from model.report import Unreadable

OF_CLUSTERS = (SourceName.CONSISTENCY, SourceName.CAPACITY)


@dataclass(frozen=True)
class Compared:
    """What was read; None: it was not."""

    sources: tuple[Source, ...] = ()
    differences: Differences | None = None
    capacity: FleetRoom | None = None


NOTHING = Compared()


def of_clusters(
    consistency: Consistency | None, capacity: CapacityReport | None, reasons: Sequence[str]
) -> Compared:
    """Return what clusters were compared by; `reasons` are why either of them is None."""
    return Compared(
        (_of_consistency(consistency, reasons[0]), _of_capacity(capacity, reasons[1])),
        differences.of_consistency(consistency) if consistency else None,
        room.of_capacity(capacity) if capacity else None,
    )


def _of_consistency(found: Consistency | None, reason: str) -> Source:
    if found is None:
        return Source(name=SourceName.CONSISTENCY, state=SourceState.UNREAD, reason=reason)
    unreadable = [
        Unreadable(cluster=each.cluster, node=each.nodes[0] if len(each.nodes) == 1 else "",
                   reason=_told(each))
        for each in found.not_read
    ]  # fmt: skip
    silent = sum(not each.reachable for each in found.clusters)
    return _partial(
        SourceName.CONSISTENCY, unreadable, found.reason, is_read=silent < len(found.clusters)
    )


def _told(unread: NotRead) -> str:
    """Say what was not read; many Nodes are counted, not listed."""
    if not unread.area:
        return unread.reason
    of_nodes = f" of {counted(len(unread.nodes), 'Node')}" if len(unread.nodes) > 1 else ""
    return f"{unread.area}{of_nodes}: {unread.reason}"


def _of_capacity(found: CapacityReport | None, reason: str) -> Source:
    if found is None:
        return Source(name=SourceName.CAPACITY, state=SourceState.UNREAD, reason=reason)
    silent = [
        Unreadable(cluster=each.name, node="", reason=each.conditions[0].message)
        for each in found.clusters
        if not each.reachable
    ]
    return _partial(SourceName.CAPACITY, silent, is_read=len(silent) < len(found.clusters))


def _partial(
    name: SourceName, unreadable: Sequence[Unreadable], reason: str = "", *, is_read: bool
) -> Source:
    state = SourceState.PARTIAL if unreadable or reason else SourceState.READ
    if unreadable and not is_read:
        state = SourceState.UNREAD
    return Source(name=name, state=state, reason=reason, unreadable=tuple(unreadable))
