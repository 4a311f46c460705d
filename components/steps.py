"""The steps of machines: how a script's settings and its machine's login become a `Step`."""

from collections.abc import Mapping

import pulumi

from components.holds import RUN_ID
from components.login import MachineLogin
from components.providers.step import Step, StepArgs, digest
from components.sdk import value_of

Settings = Mapping[str, pulumi.Input[str]]


def step(
    name: str,
    script: str,
    *,
    machine: str,
    trigger: pulumi.Input[str],
    login: MachineLogin,
    settings: Settings,
    deadline_seconds: int,
    once: bool,
    opts: pulumi.ResourceOptions,
) -> Step:
    """Run `scripts/node/<script>.sh` on a machine, at most `deadline_seconds` long.

    It runs `once` for each trigger, or again whenever the script or one of its settings changes.
    """
    known = pulumi.Output.all(**settings)
    return Step(
        name,
        StepArgs(
            step=name,
            trigger=trigger,
            applied="" if once else value_of(known).apply(lambda given: digest(script, given)),
            machine=machine,
            # It depends on the machine by the trigger.
            login=value_of(login.resolved),
            script=script,
            settings=pulumi.Output.secret(known),
            seconds=deadline_seconds,
            run=RUN_ID,
        ),
        opts,
    )
