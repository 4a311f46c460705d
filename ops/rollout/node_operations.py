"""What can be done on one machine of a running cluster: functions of scripts/node, by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.errors import OperatorError
from ops.hosts.operations import MACHINE, OPERATIONS, Operation
from ops.hosts.session import HostConnection, connections
from ops.hosts.ssh import Unreachable
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedMachine, parse

PATIENCE_SECONDS = 20
NOTES = Operation("applied_state", ("KUBERNETES_VERSION", "CONTROL", "KUBELET"), 60)
INSPECT, RECORD_AND_INSPECT = "inspect", "record_initial; inspect"
ON_A_MEMBER = {
    **OPERATIONS,
    INSPECT: Operation("applied_state", (), 30),
    RECORD_AND_INSPECT: NOTES,
    "record_applied": NOTES,
    "register": NOTES,
    "await_health": Operation("health", MACHINE, 660),
}


@dataclass(frozen=True)
class NodeOperations:
    """A machine, what it and its cluster should be, and the way in."""

    wanted: DesiredMachine
    connection: HostConnection
    cluster: DesiredCluster

    @property
    def name(self) -> str:
        """The machine's and its Node's."""
        return self.wanted.name

    def run(self, name: str, *, patience_seconds: float = PATIENCE_SECONDS, **more: str) -> str:
        """Run an operation with the settings that it takes; return what it printed.

        They are those of the machine and its cluster, and `more`. Where nothing answers, it tries
        for a while, then raises Unreachable.
        """
        operation = ON_A_MEMBER[name]
        known = {**self._settings, **more}
        settings = {key: known[key] for key in operation.settings}
        with self.connection.open(patience_seconds=patience_seconds) as session:
            return session.run(name, operation, settings)

    def inspect(self, *, record_initial: bool, patience_seconds: float) -> ObservedMachine:
        """Return what the machine says of itself; one that does not is unreachable, never gone.

        With `record_initial`, one that has recorded nothing yet records that it is what is wanted.
        """
        call = RECORD_AND_INSPECT if record_initial else INSPECT
        try:
            return parse(self.run(call, patience_seconds=patience_seconds).splitlines())
        except Unreachable as error:
            return ObservedMachine(unreachable=str(error))
        except OperatorError as error:
            return ObservedMachine(unreachable=f"it cannot be inspected: {error}")

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "NODE_NAME": self.name,
            "NODE_ADDRESS": self.wanted.address,
            "KUBERNETES_VERSION": self.wanted.version,
            "CONTROL": self.wanted.control,
            "KUBELET": self.wanted.kubelet,
            "CLUSTER_CONFIGURATION": self.cluster.cluster_document,
            "KUBELET_CONFIGURATION": self.cluster.kubelet_document,
        }


def node_operations(props: Mapping[str, Any]) -> dict[str, NodeOperations]:
    """Return every machine of the rollout's inputs by name, in the order of their indices."""
    cluster, into = DesiredCluster.of(props), connections(props)
    return {each.name: NodeOperations(each, into[each.name], cluster) for each in cluster.machines}
