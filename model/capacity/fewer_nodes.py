"""How many Nodes of a pool are enough for what its pods request and use, with a reserve."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.capacity.history import of_node
from model.capacity.placement import dominant, free_on, scaled, unplaced
from model.capacity.reading import ClusterReading, NodeReading, PodReading, requested
from model.capacity.resources import Amounts, lacking, total

# Of each Node that is kept, so much remains free, in percent.
RESERVE_PERCENT = 20
PLACEMENT = "placement"


@dataclass(frozen=True)
class FewerNodes:
    """A pool of `nodes`, of which `enough` suffice; None: not even all of them keep the reserve.

    `limited_by` is what one Node fewer would lack: resources, `used` ones with that word before
    them, or a placement.
    """

    pool: str
    nodes: int
    enough: int | None
    limited_by: tuple[str, ...]

    @property
    def spare(self) -> int:
        """Return how many Nodes could go."""
        return 0 if self.enough is None else self.nodes - self.enough


def fewer_nodes(cluster: ClusterReading, reserve_percent: float) -> Iterator[FewerNodes]:
    """Yield what is enough for each pool without control planes, whose number is etcd's matter.

    The largest Nodes that are Ready and not cordoned are kept.
    """
    pools: dict[str, list[NodeReading]] = {}
    for node in cluster.nodes:
        pools.setdefault(node.pool, []).append(node)
    on_node: dict[str, list[PodReading]] = {}
    for pod in cluster.placed:
        on_node.setdefault(pod.node, []).append(pod)
    for pool, nodes in sorted(pools.items()):
        if not any(node.is_control_plane for node in nodes):
            pods = [pod for node in nodes for pod in on_node.get(node.name, ())]
            used = total(_used(cluster, node, on_node.get(node.name, ())) for node in nodes)
            yield _enough(pool, nodes, pods, used, 1 - reserve_percent / 100)


def _used(cluster: ClusterReading, node: NodeReading, pods: Sequence[PodReading]) -> Amounts:
    return of_node(cluster.history, pods, cluster.usage.nodes.get(node.name, {}))


def _enough(
    pool: str, nodes: Sequence[NodeReading], pods: Sequence[PodReading], used: Amounts, share: float
) -> FewerNodes:
    whole = total(node.allocatable for node in nodes)
    usable = sorted(
        (node for node in nodes if node.takes_pods),
        key=lambda node: (-dominant(node.allocatable, whole), node.name),
    )
    movable = [pod for pod in pods if not pod.fixed]
    needed = requested(movable)
    free = free_on(usable, (pod for pod in pods if pod.fixed), share)
    room: Amounts = {}
    unused: Amounts = {}
    limited_by: tuple[str, ...] = ()
    for count, node in enumerate(usable, 1):
        room = total([room, free[node.name]])
        unused = total([unused, scaled(node.allocatable, share)])
        limits = [*lacking(needed, room), *(f"used {name}" for name in lacking(used, unused))]
        if not limits and unplaced(movable, usable[:count], free):
            limits = [PLACEMENT]
        if not limits:
            return FewerNodes(pool, len(nodes), count, limited_by)
        limited_by = tuple(limits)
    return FewerNodes(pool, len(nodes), None, limited_by)
