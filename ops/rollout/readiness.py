"""What must hold before the next machine is touched."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ops.errors import OperatorError
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout.node_operations import NodeOperations

POLL_SECONDS = 0.5
READY_SECONDS = 240


def await_control_planes(machines: Iterable[NodeOperations]) -> None:
    """Wait until etcd and the API server of each of these are healthy, asked on each itself."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(NodeOperations.await_health, machines))


def await_ready(nodes: Nodes, names: Iterable[str]) -> None:
    """Wait until the API answers and these Nodes are registered and Ready."""
    wanted = list(names)

    def missing() -> str:
        found = nodes.read()
        if found is None:
            return "the API does not answer"
        late = [name for name in wanted if name not in found or not found[name].ready]
        return f"{', '.join(late)} not Ready" if late else ""

    _await(missing, READY_SECONDS)


def await_registered(nodes: Nodes, name: str, former: Node | None) -> None:
    """Wait until the Node is there, and no longer said to be as it was before the restart."""

    def missing() -> str:
        found = nodes.read()
        if found is None:
            return "the API does not answer"
        if name not in found:
            return f"Node {name} is not registered"
        node = found[name]
        stale = former and (former.uid, former.ready_since) == (node.uid, node.ready_since)
        return f"Node {name} is still said to be Ready" if node.ready and stale else ""

    _await(missing, READY_SECONDS)


def _await(missing: Callable[[], str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while reason := missing():
        if time.monotonic() > deadline:
            raise OperatorError(
                f"after {seconds:.0f} s: {reason}; see `journalctl -u kubelet` there, mend it and "
                "run `pulumi up` again: it goes on with what is left"
            )
        time.sleep(POLL_SECONDS)
