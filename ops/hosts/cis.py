"""What the CIS benchmark is about on machines, read on all of them in parallel."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from model.cis.machine_facts import NotKnown, parse
from model.cis.report import ReadMachine
from model.machine import CONTROL_PLANE
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection

PARALLEL_MACHINES = 32
CALL = "cis_facts"


def read(machines: Sequence[InventoryMachine]) -> list[ReadMachine]:
    """Return each machine's facts; of one that cannot be read, the reason."""
    with ThreadPoolExecutor(PARALLEL_MACHINES) as pool:
        return list(pool.map(read_machine, machines))


def read_machine(machine: InventoryMachine) -> ReadMachine:
    """Return a machine's facts, or the reason why it cannot be read."""
    try:
        with HostConnection(machine.name, machine.login).open() as session:
            printed = session.run(CALL, OPERATIONS[CALL], {})
        # Names of files may hold what else `splitlines` would take for the end of a line.
        lines = printed.rstrip("\n").split("\n")
        facts = parse(lines, is_control_plane=machine.role == CONTROL_PLANE)
    except (OperatorError, NotKnown) as error:
        return ReadMachine(machine.name, None, str(error))
    return ReadMachine(machine.name, facts)
