"""Readiness conditions that must hold before the next machine is touched."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ops.errors import OperatorError
from ops.kube.errors import ApiError
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.kube.pod import few
from ops.kube.returning import RunningPod
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.node_operations import NodeOperations
from ops.wait import NotYet, wait_until

POLL_SECONDS = 0.5
READY_SECONDS = 240


def await_control_planes(machines: Iterable[NodeOperations], leaving: str = "") -> None:
    """Wait until etcd and the API server of each machine are healthy, as checked on the machine.

    The load balancers of these machines must know an API server other than that of `leaving`, the
    machine that is changed next.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda machine: machine.run("await_health", LEAVING=leaving), machines))


def await_ready(nodes: Nodes, names: Iterable[str]) -> None:
    """Wait until the API answers and these Nodes are registered and Ready.

    Each Node is read individually: parallel waits in a large cluster do not list all Nodes.
    """
    wanted = list(names)

    def ready() -> None:
        if not wanted and not nodes.answers():
            raise NotYet("the API does not answer")
        found = {name: _find(nodes, name) for name in wanted}
        if late := [name for name, node in found.items() if node is None or not node.ready]:
            raise NotYet(f"{', '.join(late)} not Ready")

    _await(ready)


def await_registered(nodes: Nodes, name: str, former: Node | None) -> None:
    """Wait until the Node exists and no longer has its status from before the restart."""

    def registered() -> None:
        node = _registered(nodes, name)
        stale = former and (former.uid, former.ready_since) == (node.uid, node.ready_since)
        if node.ready and stale:
            raise NotYet(f"Node {name} is still reported Ready as before its restart")

    _await(registered)


def await_rebooted(nodes: Nodes, name: str, boot: str) -> None:
    """Wait until the Node is Ready in this boot, which its kubelet reports together with that."""

    def ready() -> None:
        node = _registered(nodes, name)
        if node.boot_id != boot:
            raise NotYet(f"Node {name} is still reported as before its reboot")
        if not node.ready:
            raise NotYet(f"{name} not Ready")

    _await(ready)


def await_pods(nodes: ClusterNodes, name: str, before: Mapping[str, RunningPod]) -> None:
    """Wait until all pods of the Node that were Ready before its reboot are Ready again."""

    def ready() -> None:
        with _answering():
            missing = nodes.missing_pods(name, before)
        if missing:
            raise NotYet(f"not Ready again on {name}: {few(missing)}")

    _await(ready)


def _registered(nodes: Nodes, name: str) -> Node:
    node = _find(nodes, name)
    if node is None:
        raise NotYet(f"Node {name} is not registered")
    return node


def _find(nodes: Nodes, name: str) -> Node | None:
    with _answering():
        return nodes.find_once(name)


@contextmanager
def _answering() -> Iterator[None]:
    """Take an error of the API for one that passes."""
    try:
        yield
    except ApiError as error:
        raise NotYet(f"the API does not answer ({error})") from None


def _await(check: Callable[[], None]) -> None:
    wait_until(
        check,
        READY_SECONDS,
        lambda reason: OperatorError(
            f"after {READY_SECONDS:.0f} s: {reason}; check `journalctl -u kubelet` on the machine, "
            "fix the cause and run `fleet up` again: it resumes where it stopped"
        ),
        stops="Nodes were not waited for; `fleet up` continues",
        poll_seconds=POLL_SECONDS,
    )
