"""What is requested and used of each cluster, and whether its pods find room if Nodes are lost."""

from typing import Literal

from pydantic import Field

from model.capacity.report import (
    CapacityReport,
    ClusterCapacity,
    Figures,
    LossCapacity,
    PoolCapacity,
)
from model.report import ReportEntry

NODE, ZONE = "Node", "zone"


class LossRoom(ReportEntry):
    """Whether pods find room without a Node or a zone."""

    kind: Literal["Node", "zone"] = Field(description="What is lost.")
    name: str = Field(description="Its name.")
    fits: bool = Field(description="Whether all pods find room on what is left.")
    moved_pods: int = Field(description="How many pods have to move.")
    lacking: tuple[str, ...] = Field(description="Resources of which too little is free in total.")
    unplaced_pods: int = Field(description="Pods for which no Node was found.")


class PoolRoom(ReportEntry):
    """A pool for which another number of Nodes is enough."""

    name: str = Field(description="Its name; empty: Nodes without a pool.")
    nodes: int = Field(description="How many Nodes it has.")
    enough: int | None = Field(description="How many are enough; null: not even all of them.")
    limited_by: tuple[str, ...] = Field(description="What one Node fewer would lack.")


class WorkloadCounts(ReportEntry):
    """Workloads by what is noteworthy about their requests."""

    total: int = Field(description="How many there are.")
    none: int = Field(description="Those with a container that requests nothing.")
    over: int = Field(description="Those that use much less than they request.")
    under: int = Field(description="Those that use more than they request.")


class ClusterRoom(ReportEntry):
    """The capacity of a cluster that answered."""

    cluster: str = Field(description="The cluster.")
    figures: Figures = Field(description="Its resources.")
    usage_unknown: str = Field(description="Why it is not known what is used; empty: it is known.")
    pending_pods: int = Field(description="Pods without a Node.")
    losses: tuple[LossRoom, ...] = Field(description="Its largest Node, and each of its zones.")
    pools: tuple[PoolRoom, ...] = Field(description="Pools with Nodes to spare, or too few.")
    workloads: WorkloadCounts = Field(description="Its workloads, counted.")

    def lost(self, kind: str) -> list[str]:
        """Return the Nodes or zones without which not all pods were found room for."""
        return [each.name for each in self.losses if each.kind == kind and not each.fits]


class FleetRoom(ReportEntry):
    """What `fleet capacity` says, without single Nodes and workloads."""

    reserve_percent: float = Field(description="What is to remain free of each Node.")
    figures: Figures = Field(description="The resources of all clusters that answered.")
    clusters: tuple[ClusterRoom, ...] = Field((), description="The clusters that answered.")

    def of_cluster(self, name: str) -> ClusterRoom | None:
        """Return a cluster; None if it did not answer."""
        return next((each for each in self.clusters if each.cluster == name), None)


def of_capacity(found: CapacityReport) -> FleetRoom:
    """Reduce the capacity of a fleet to what is about whole clusters."""
    return FleetRoom(
        reserve_percent=found.reserve_percent,
        figures=found.figures,
        clusters=tuple(_cluster(each) for each in found.clusters if each.reachable),
    )


def _cluster(found: ClusterCapacity) -> ClusterRoom:
    findings = [set(each.findings.values()) for each in found.workloads]
    return ClusterRoom(
        cluster=found.name,
        figures=found.figures,
        usage_unknown=found.usage_unknown,
        pending_pods=found.pending_pods,
        losses=tuple(map(_loss, found.losses)),
        pools=tuple(
            PoolRoom(
                name=pool.name,
                nodes=pool.figures.nodes,
                enough=pool.enough,
                limited_by=tuple(pool.limited_by),
            )
            for pool in found.pools
            if _is_other(pool)
        ),
        workloads=WorkloadCounts(
            total=len(findings),
            none=sum("none" in each for each in findings),
            over=sum("over" in each for each in findings),
            under=sum("under" in each for each in findings),
        ),
    )


def _is_other(pool: PoolCapacity) -> bool:
    return not pool.has_control_planes and pool.enough != pool.figures.nodes


def _loss(loss: LossCapacity) -> LossRoom:
    return LossRoom(
        kind=loss.kind,
        name=loss.name,
        fits=loss.fits,
        moved_pods=loss.moved_pods,
        lacking=tuple(loss.lacking),
        unplaced_pods=len(loss.unplaced_pods),
    )
