"""Connections to the machines of a stack, as the rollout makes them."""

from ops.hosts.inventory import Inventory
from ops.hosts.operations import Operation
from ops.hosts.session import HostConnection
from tests.e2e.pulumi_stack import PulumiStack

MOST_SECONDS = 120


class Machines:
    """Runs shell as root on any machine of a stack."""

    def __init__(self, stack: PulumiStack) -> None:
        self._inventory = Inventory(stack.output("inventory"))

    def run(self, machine: str, shell: str) -> str:
        """Run shell, which must succeed; return what it printed."""
        way = HostConnection(machine, self._inventory.machine(machine).login)
        with way.open(patience_seconds=10) as visit:
            return visit.run(shell, Operation("paths", (), MOST_SECONDS), {})
