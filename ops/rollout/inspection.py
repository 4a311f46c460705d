"""Inspection of all machines of a cluster: one connection to each, in parallel."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ops.errors import OperatorError
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout.action_kind import Action
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import add_cluster_actions, required_actions
from ops.rollout.node_operations import NodeOperations
from ops.rollout.observed import ObservedMachine

PARALLEL_MACHINES = 32


def inspect_cluster(
    machines: Mapping[str, NodeOperations],
    nodes: Nodes,
    *,
    record_initial: bool = False,
    patience_seconds: float = 0,
    skipped: Collection[str] = (),
) -> dict[str, ObservedMachine]:
    """Return the observed state of every machine, by name.

    With `record_initial`, a machine that has recorded nothing yet records that it is in its desired
    state. Machines of `skipped` get no patience.
    """

    def inspect(machine: NodeOperations) -> ObservedMachine:
        patience = 0 if machine.name in skipped else patience_seconds
        return machine.inspect(record_initial=record_initial, patience_seconds=patience)

    with ThreadPoolExecutor(max_workers=PARALLEL_MACHINES) as pool:
        asked = pool.submit(nodes.read)
        found = dict(zip(machines, pool.map(inspect, machines.values()), strict=True))
        known = asked.result()
    if known is not None and any(
        _is_outdated(known.get(name), seen) for name, seen in found.items()
    ):
        known = nodes.read()
    if known is None:
        return {name: replace(seen, api_answers=False) for name, seen in found.items()}
    return {name: replace(seen, node=known.get(name)) for name, seen in found.items()}


def find_drift(
    cluster: DesiredCluster, found: Mapping[str, ObservedMachine], nodes: ClusterNodes
) -> dict[str, list[Action]]:
    """Return the actions that machines require, by name, and those of the cluster itself.

    The latter only while the API answers: a control plane that was found at fault may end it
    after the inspection.
    """
    left = {
        machine.name: actions
        for machine in cluster.machines
        if (actions := required_actions(found[machine.name], machine))
    }
    if any(machine.api_answers for machine in found.values()):
        try:
            observed = nodes.observe_cluster()
        except OperatorError:
            if nodes.answers():
                raise
            return left
        add_cluster_actions(observed, cluster, left)
    return left


def _is_outdated(node: Node | None, found: ObservedMachine) -> bool:
    """Whether flannel has written on the Node since it was read, which was before its machine."""
    return bool(node and found.vtep and found.vtep != node.vtep)
