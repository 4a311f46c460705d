"""The step that initializes a cluster, without a machine."""

import pulumi

from components.holds import RUN_ID
from components.providers import step
from components.providers.step import Step, StepArgs, StepInputs, StepProvider, StepState, state_of
from ops.hosts.login import LoginProps

LOGIN: LoginProps = {"host": "192.0.2.1", "port": 22, "user": "root", "sudo": False}


class FoundingProvider(StepProvider):
    """Runs nothing."""

    def _create(self, inputs: StepInputs) -> StepState:
        return state_of(inputs)


def founding(name: str, parent: pulumi.Resource) -> Step:
    """Initialize a cluster in this run, if it is new."""
    step.StepProvider = FoundingProvider  # type: ignore[misc]
    return Step(
        name,
        StepArgs(
            step=name,
            trigger="the first",
            applied="",
            machine=name,
            login=pulumi.Output.from_input(LOGIN),
            script="init",
            settings=pulumi.Output.from_input({}),
            seconds=1,
            run=RUN_ID,
        ),
        pulumi.ResourceOptions(parent=parent),
    )
