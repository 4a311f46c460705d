"""What must hold before the next machine is touched."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ops.errors import OperatorError
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.rollout.node_operations import NodeOperations
from ops.wait import NotYet, wait_until

POLL_SECONDS = 0.5
READY_SECONDS = 240


def await_control_planes(machines: Iterable[NodeOperations]) -> None:
    """Wait until etcd and the API server of each of these are healthy, asked on each itself."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda machine: machine.run("await_health"), machines))


def await_ready(nodes: Nodes, names: Iterable[str]) -> None:
    """Wait until the API answers and these Nodes are registered and Ready."""
    wanted = list(names)

    def check() -> None:
        found = _read(nodes)
        late = [name for name in wanted if name not in found or not found[name].ready]
        if late:
            raise NotYet(f"{', '.join(late)} not Ready")

    wait_until(check, READY_SECONDS, _late, poll_seconds=POLL_SECONDS)


def await_registered(nodes: Nodes, name: str, former: Node | None) -> None:
    """Wait until the Node is there, and its Ready condition is not that from before the restart."""

    def check() -> None:
        found = _read(nodes)
        if name not in found:
            raise NotYet(f"Node {name} is not registered")
        node = found[name]
        stale = former and (former.uid, former.ready_since) == (node.uid, node.ready_since)
        if node.ready and stale:
            raise NotYet(f"Node {name} still has the Ready condition from before its restart")

    wait_until(check, READY_SECONDS, _late, poll_seconds=POLL_SECONDS)


def _read(nodes: Nodes) -> dict[str, Node]:
    found = nodes.read()
    if found is None:
        raise NotYet("the API does not answer")
    return found


def _late(reason: str) -> OperatorError:
    return OperatorError(
        f"after {READY_SECONDS:.0f} s: {reason}; see `journalctl -u kubelet` there, fix it and run "
        "`pulumi up` again: it resumes with what is left"
    )
