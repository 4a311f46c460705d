"""What machines report of themselves, as facts of their Nodes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.consistency import facts
from model.consistency.facts import Items, Unread
from model.consistency.hosts import items_of
from ops.kube import host_reports, unreachable
from ops.kube.client import Client
from ops.kube.errors import ApiError

SILENT = "its machine does not report"


@dataclass(frozen=True)
class HostFacts:
    """Items by area of each Node whose machine reports, and what could not be read."""

    nodes: Mapping[str, Mapping[str, Items]] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


def read(
    client: Client, architectures: Mapping[str, str], seconds: float, parallel: int
) -> HostFacts:
    """Ask the probe pods of Nodes, whose architectures are given; a cluster may have none."""
    try:
        readings = host_reports.read(client, seconds, parallel)
    except ApiError as error:
        return HostFacts(unread=(Unread(facts.FILES, unreachable.summary(error)),))
    known = [each for each in readings if each.node in architectures]
    return HostFacts(
        {
            each.node: items_of(each.report, architectures[each.node])
            for each in known
            if each.report
        },
        tuple(
            Unread(facts.FILES, each.unreadable or SILENT, each.node)
            for each in known
            if not each.report
        ),
    )
