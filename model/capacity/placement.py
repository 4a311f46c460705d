"""Whether pods find room on Nodes: first fit, the largest pods first.

A placement that is found exists. One that is not found may exist: to decide that is a problem
without a quick answer. What else the scheduler weighs is not known here: affinity between pods,
topology spread, volumes, host ports, preemption.
"""

from collections.abc import Iterable, Mapping, Sequence

from model.capacity.reading import NodeReading, PodReading
from model.capacity.resources import Amounts, fits, minus, total


def free_on(
    nodes: Sequence[NodeReading], pods: Iterable[PodReading], share: float = 1.0
) -> dict[str, dict[str, int]]:
    """Return what pods leave of a share of each Node, by the Node's name."""
    held: dict[str, list[Amounts]] = {node.name: [] for node in nodes}
    for pod in pods:
        if pod.node in held:
            held[pod.node].append(pod.requests)
    return {
        node.name: minus(scaled(node.allocatable, share), total(held[node.name])) for node in nodes
    }


def scaled(whole: Amounts, share: float) -> dict[str, int]:
    """Return a share of amounts, rounded down."""
    return {name: int(amount * share) for name, amount in whole.items()}


def unplaced(
    pods: Iterable[PodReading], nodes: Sequence[NodeReading], free: Mapping[str, Amounts]
) -> list[PodReading]:
    """Return the pods for which no room is found on the Nodes; `free` is not changed."""
    left = {name: dict(amounts) for name, amounts in free.items()}
    whole = total(node.allocatable for node in nodes)
    admitting = Admitting(nodes)
    # What is left only shrinks: a Node without room for a pod has none for an equal one later.
    starts: dict[tuple[int, int], int] = {}
    found: list[PodReading] = []
    for pod in sorted(pods, key=lambda pod: (-dominant(pod.requests, whole), pod.key)):
        alike = (id(pod.requests), id(pod.rules))
        open_to = admitting.nodes_for(pod)
        index = starts.get(alike, 0)
        while index < len(open_to) and not fits(pod.requests, left[open_to[index].name]):
            index += 1
        starts[alike] = index
        if index == len(open_to):
            found.append(pod)
            continue
        room = left[open_to[index].name]
        for name, amount in pod.requests.items():
            room[name] = room.get(name, 0) - amount
    return found


def dominant(needed: Amounts, whole: Amounts) -> float:
    """Return the greatest share needed of any resource; infinite of one that does not exist."""
    shares = (
        amount / whole[name] if whole.get(name) else float("inf")
        for name, amount in needed.items()
        if amount
    )
    return max(shares, default=0.0)


class Admitting:
    """Which of some Nodes admit a pod, found once for all pods with the same rules."""

    def __init__(self, nodes: Sequence[NodeReading]) -> None:
        self._nodes = nodes
        self._found: dict[int, list[NodeReading]] = {}

    def nodes_for(self, pod: PodReading) -> list[NodeReading]:
        """Return the Nodes, in their order; of pods that are alike, the same list."""
        # The rules live as long as their pods, and these longer than this.
        key = id(pod.rules)
        if key not in self._found:
            self._found[key] = [node for node in self._nodes if node.admits(pod)]
        return self._found[key]
