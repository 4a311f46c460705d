"""A node step: one checked-in script of scripts/node/, run as root on one machine over SSH.

Create runs it. Update runs it again, because the script or one of its settings changed; a machine
that does not answer keeps what it has, and the next update tries again. Another `trigger`, such as
another machine of that name, replaces the step. A step that runs once has no `applied`, so that
nothing else is a change. Delete does nothing. Every script is safe to rerun: a step that was cut
off is resumed by the next create.

The state holds neither the login nor a setting: they are given to the run alone. Settings and
script travel on standard input, so that none ever appears in a process list or an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_present
from components.providers.engine_log import EngineLog, own_urn, warn
from model.render import node_scripts
from ops.hosts.login import Login, LoginProps
from ops.hosts.operations import Operation
from ops.hosts.session import HostConnection
from ops.hosts.ssh_errors import Unreachable
from ops.kube.turns import coming_back

# A machine that has just started may not accept logins yet.
PATIENCE_SECONDS = 60
GIVEN = ("machine", "login", "script", "settings", "seconds", "urn", "run")


class StepInputs(TypedDict):
    """The step as the provider gets it; `run` is the run of the program."""

    step: str
    trigger: str
    applied: str
    machine: str
    login: LoginProps
    script: str
    settings: Mapping[str, str]
    seconds: float
    urn: str
    run: str


class StepState(TypedDict):
    """The step and the run in which it ran last."""

    step: str
    trigger: str
    applied: str
    ran_in: str


class StepProvider(Provider[StepInputs, StepState]):
    """Runs scripts on machines."""

    given = GIVEN

    def _create(self, inputs: StepInputs) -> StepState:
        """Run the script; if it fails, no machine waits for this one any longer."""
        with coming_back(inputs["machine"]):
            return _run(inputs)

    def _diff(self, olds: StepState, news: StepInputs) -> DiffResult:
        """Replace for another trigger; run again what changed."""
        require_present(news, ("step", "trigger", "applied"))
        return DiffResult(
            changes=bool(changed(olds, news, ("trigger", "applied"))),
            replaces=changed(olds, news, ("trigger",)),
        )

    def _update(self, olds: StepState, news: StepInputs) -> StepState:
        """Run the script again."""
        try:
            return _run(news)
        except Unreachable as error:
            warn(
                f"{news['machine']}: {error}. Its step {news['script']} was not run: run "
                "`fleet up` once it answers",
                news["urn"],
            )
            return olds


def _run(inputs: StepInputs) -> StepState:
    log, script, settings = EngineLog(inputs["urn"]), inputs["script"], inputs["settings"]
    connection = HostConnection(inputs["machine"], Login.from_props(inputs["login"]))
    operation = Operation(script, tuple(settings), int(inputs["seconds"]))
    with connection.open(patience_seconds=PATIENCE_SECONDS) as session:
        session.run(
            function_of(script),
            operation,
            settings,
            report=lambda line: log(line, ephemeral=True),
        )
    return state_of(inputs)


def function_of(script: str) -> str:
    """Return the function of a script that does the step."""
    return f"step_{script.replace('-', '_')}"


def state_of(inputs: StepInputs) -> StepState:
    """Return the state of a step that was run."""
    return {
        "step": inputs["step"],
        "trigger": inputs["trigger"],
        "applied": inputs["applied"],
        "ran_in": inputs["run"],
    }


def digest(script: str, settings: Mapping[str, str]) -> str:
    """Return the digest of a step: of the script, including its requirements, and its settings."""
    return sha256(node_scripts.compose(script, settings).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class StepArgs:
    """The `step` of this name; `applied` is the digest of what it does, "" if it runs once."""

    step: str
    trigger: pulumi.Input[str]
    applied: pulumi.Input[str]
    machine: str
    login: pulumi.Output[LoginProps]
    script: str
    settings: pulumi.Output[Mapping[str, str]]
    seconds: int
    run: str


class Step(ProvidedResource, module="kubeadm-fleet", name="Step"):
    """A step that was run on a machine; `ran_in` is the run in which it ran last."""

    ran_in: pulumi.Output[str]

    def __init__(self, name: str, args: StepArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(StepProvider(), name, args, opts, urn=own_urn(Step, name, opts))
