"""Machine entries of the stack's secret output `inventory`, read by ops/hosts/inventory.py."""

import pulumi

from components.login import MachineLogin
from model.machine import Machine
from ops.hosts.inventory import MachineEntry
from ops.hosts.login import LoginProps


def entry(machine: Machine, driver: str, login: MachineLogin) -> pulumi.Output[MachineEntry]:
    """Return the machine's entry, without a login if this run could not create the machine.

    Otherwise one failed machine would leave the stack without access to the others.
    """
    known: MachineEntry = {
        "address": machine.address,
        "role": machine.role,
        "pool": machine.pool,
        "driver": driver,
    }

    def complete(props: LoginProps) -> MachineEntry:
        return known if pulumi.contains_unknowns(props) else {**known, "login": props}

    return login.resolved.apply(complete, run_with_unknowns=not pulumi.runtime.is_dry_run())
