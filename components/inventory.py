"""Machine entries of the stack's secret output `inventory`, read by ops/hosts/inventory.py."""

from typing import Any

import pulumi

from components.login import MachineLogin
from model.fleet import Machine


def entry(machine: Machine, driver: str, login: MachineLogin) -> pulumi.Output[dict[str, Any]]:
    """Return the machine's entry, without a login if this run could not create the machine.

    Otherwise one failed machine would leave the stack without access to the others.
    """
    known = {"address": machine.address, "role": machine.role, "driver": driver}

    def complete(props: dict[str, Any]) -> dict[str, Any]:
        return known if pulumi.contains_unknowns(props) else {**known, "login": props}

    return pulumi.Output.from_input(login.to_props()).apply(
        complete, run_with_unknowns=not pulumi.runtime.is_dry_run()
    )
