"""What the stack's secret output `inventory` says of a machine; ops/hosts/inventory.py reads it."""

from typing import Any

import pulumi

from components.login import MachineLogin
from model.fleet import Machine


def entry(machine: Machine, driver: str, login: MachineLogin) -> pulumi.Output[dict[str, Any]]:
    """Return the machine's entry; of one that this run could not make, without a login.

    Otherwise one machine that failed would leave the stack without a way into the others.
    """
    known = {"address": machine.address, "role": machine.role, "driver": driver}

    def complete(props: dict[str, Any]) -> dict[str, Any]:
        return known if pulumi.contains_unknowns(props) else {**known, "login": props}

    return pulumi.Output.from_input(login.to_props()).apply(
        complete, run_with_unknowns=not pulumi.runtime.is_dry_run()
    )
