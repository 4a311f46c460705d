"""A look at all machines of a cluster at once: one connection to each, side by side."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ops.errors import OperatorError
from ops.hosts.operations import Operation
from ops.hosts.session import HostConnection, connections
from ops.hosts.ssh import Unreachable
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.node_operations import NOTES, applied_settings
from ops.rollout.observed import ObservedMachine, parse

INSPECT = Operation("applied_state", (), 30)
AT_ONCE = 32


def inspect_cluster(
    props: Mapping[str, Any], *, record_initial: bool = False, patience_seconds: float = 0
) -> dict[str, ObservedMachine]:
    """Return what every machine of the rollout's inputs is like.

    With `adopt`, a machine that has noted nothing yet notes that it is what is wanted.
    """
    cluster = DesiredCluster.of(props)

    def one(connection: HostConnection) -> ObservedMachine:
        return inspect_machine(
            connection,
            cluster.by_name[connection.machine] if record_initial else None,
            patience_seconds,
        )

    into, reader = connections(props), Nodes(props["kubeconfig"])
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = pool.submit(reader.read)
        looks = dict(zip(into, pool.map(one, into.values()), strict=True))
        nodes = asked.result()
    if nodes is not None and any(
        _is_outdated(nodes.get(name), each) for name, each in looks.items()
    ):
        nodes = reader.read()
    if nodes is None:
        return {name: replace(each, api_answers=False) for name, each in looks.items()}
    return {name: replace(each, node=nodes.get(name)) for name, each in looks.items()}


def _is_outdated(node: Node | None, found: ObservedMachine) -> bool:
    """Whether flannel has written on the Node since it was read, which was before its machine."""
    return bool(node and found.vtep and found.vtep != node.vtep)


def inspect_machine(
    connection: HostConnection, adopted: DesiredMachine | None, patience_seconds: float
) -> ObservedMachine:
    """Return what one machine says of itself; one that does not is unreachable, never gone."""
    call, operation, settings = "inspect", INSPECT, {}
    if adopted is not None:
        call, operation, settings = "record_initial; inspect", NOTES, applied_settings(adopted)
    try:
        with connection.open(patience_seconds=patience_seconds) as visit:
            return parse(visit.run(call, operation, settings).splitlines())
    except Unreachable as error:
        return ObservedMachine(unreachable=str(error))
    except OperatorError as error:
        return ObservedMachine(unreachable=f"it cannot be looked at: {error}")
