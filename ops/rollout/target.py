"""The context of an action: the machine whose turn it is, and its cluster."""

from dataclasses import dataclass

from model.render import machine_files
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredMachine
from ops.rollout.node_operations import NodeOperations
from ops.rollout.observed import ObservedMachine
from ops.rollout.progress import Progress


@dataclass(frozen=True)
class Target:
    """One machine as observed, its operations, its cluster's Nodes, and the progress."""

    machine: NodeOperations
    found: ObservedMachine
    nodes: ClusterNodes
    progress: Progress

    @property
    def name(self) -> str:
        """The name of the machine and its Node."""
        return self.machine.name

    @property
    def wanted(self) -> DesiredMachine:
        """The machine's desired state."""
        return self.machine.wanted

    @property
    def starts_load_balancer(self) -> bool:
        """Whether it joins the machines that may hold the cluster's virtual address."""
        part = machine_files.LOAD_BALANCER
        return part in self.wanted.parts and part not in self.found.parts

    def step(self, text: str) -> None:
        """Show the current step on the machine."""
        self.progress.step(self.name, text)

    def done(self, text: str) -> None:
        """Show a finished step on the machine."""
        self.progress.done(self.name, text)
