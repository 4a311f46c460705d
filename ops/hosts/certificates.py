"""The certificates and keys of machines, read on all of them in parallel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import MappingProxyType

from model.pki import ledger
from model.pki.ledger import Ledger
from model.pki.ledger_facts import Place, machine_ledger, unreadable
from ops.errors import OperatorError
from ops.hosts.inventory import InventoryMachine
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection

PARALLEL_MACHINES = 32
CALL = "certificate_facts"


def read(
    machines: Sequence[InventoryMachine],
    threshold: timedelta | None = None,
    warn_before: Mapping[str, timedelta] = MappingProxyType({}),
) -> list[Ledger]:
    """Return each machine's ledger; of one that cannot be read, the reason.

    `warn_before` is how long before its end a CA is to be rotated, by cluster.
    """
    now = ledger.now()

    def read_one(machine: InventoryMachine) -> Ledger:
        return read_machine(machine, now, threshold, warn_before)

    with ThreadPoolExecutor(PARALLEL_MACHINES) as pool:
        return list(pool.map(read_one, machines))


def read_machine(
    machine: InventoryMachine,
    now: datetime,
    threshold: timedelta | None = None,
    warn_before: Mapping[str, timedelta] = MappingProxyType({}),
) -> Ledger:
    """Return one machine's ledger, judged at `now`; if it cannot be read, the reason."""
    before = warn_before.get(machine.cluster, ledger.AUTHORITY_WARNING)
    place = Place(machine.cluster, machine.name, now, threshold, before)
    try:
        with HostConnection(machine.name, machine.login).open() as session:
            printed = session.run(CALL, OPERATIONS[CALL], {})
    except OperatorError as error:
        return unreadable(place, str(error))
    return machine_ledger(place, printed.splitlines())
