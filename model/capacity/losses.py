"""What remains of a cluster without its largest Node, and without each of its zones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.capacity.placement import Admitting, dominant, free_on, unplaced
from model.capacity.reading import ClusterReading, NodeReading, PodReading, requested
from model.capacity.resources import Amounts, lacking, total


@dataclass(frozen=True)
class Loss:
    """The loss of a Node or of a zone; `moved` are the pods that need another Node then.

    `allocatable` and `requests` are those of the Nodes that are left and take pods, with the moved
    pods. `lacks` are resources of which the Nodes that admit them have too little free in total;
    `unplaced` are the moved pods for which first fit found no room.
    """

    kind: str
    name: str
    nodes: int
    allocatable: Amounts
    requests: Amounts
    moved: Sequence[PodReading]
    lacks: Sequence[str]
    unplaced: Sequence[PodReading]

    @property
    def fits(self) -> bool:
        """Whether all pods find room on what is left."""
        return not self.lacks and not self.unplaced


def losses(cluster: ClusterReading) -> Iterator[Loss]:
    """Yield the loss of the largest Node, and that of each zone where there is more than one."""
    if node := largest(cluster):
        yield _loss(cluster, "Node", node.name, [node])
    zones = sorted({node.zone for node in cluster.nodes if node.zone})
    for zone in zones if len(zones) > 1 else ():
        yield _loss(cluster, "zone", zone, [node for node in cluster.nodes if node.zone == zone])


def largest(cluster: ClusterReading) -> NodeReading | None:
    """Return the Node with the most allocatable of those with pods that would have to move.

    Of equal ones, it is that whose pods request the most; without such a Node, the largest one.
    """
    whole = total(node.allocatable for node in cluster.nodes)
    movable: dict[str, list[PodReading]] = {}
    for pod in cluster.placed:
        if not pod.fixed:
            movable.setdefault(pod.node, []).append(pod)

    def size(node: NodeReading) -> tuple[bool, float, float]:
        pods = movable.get(node.name, [])
        return bool(pods), dominant(node.allocatable, whole), dominant(requested(pods), whole)

    return max(cluster.nodes, key=size, default=None)


def _loss(cluster: ClusterReading, kind: str, name: str, lost: Sequence[NodeReading]) -> Loss:
    gone = {node.name for node in lost}
    left = [node for node in cluster.nodes if node.name not in gone and node.takes_pods]
    staying = [pod for pod in cluster.placed if pod.node not in gone]
    moved = [pod for pod in cluster.placed if pod.node in gone and not pod.fixed]
    free = free_on(left, staying)
    admitting = Admitting(left)
    open_to = {node.name for pod in moved for node in admitting.nodes_for(pod)}
    # An overcommitted Node takes nothing from what is free on the others.
    room = total(
        {each: max(0, amount) for each, amount in free[node].items()} for node in sorted(open_to)
    )
    names = {node.name for node in left}
    return Loss(
        kind=kind,
        name=name,
        nodes=len(lost),
        allocatable=total(node.allocatable for node in left),
        requests=requested([*(pod for pod in staying if pod.node in names), *moved]),
        moved=moved,
        lacks=lacking(requested(moved), room),
        unplaced=unplaced(moved, left, free),
    )
