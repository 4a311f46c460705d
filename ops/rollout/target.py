"""What an action works with: one machine whose turn it is, and its cluster."""

from dataclasses import dataclass

from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredMachine
from ops.rollout.node_operations import NodeOperations
from ops.rollout.observed import ObservedMachine
from ops.rollout.progress import Progress


@dataclass(frozen=True)
class Target:
    """One machine as it was found, its operations, its cluster's Nodes, and the progress."""

    machine: NodeOperations
    found: ObservedMachine
    nodes: ClusterNodes
    progress: Progress

    @property
    def name(self) -> str:
        """The machine's and its Node's."""
        return self.machine.name

    @property
    def wanted(self) -> DesiredMachine:
        """What the machine should be."""
        return self.machine.wanted

    def step(self, text: str) -> None:
        """Show what is being done on the machine."""
        self.progress.step(self.name, text)

    def done(self, text: str) -> None:
        """Show what was done on the machine."""
        self.progress.done(self.name, text)
