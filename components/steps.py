"""A node step: one checked-in script of scripts/node/, run as root on one machine over SSH.

The script and its settings are sent on standard input, so that neither a setting nor the script
text ever appears in a process list, a log or an error. The command contains the script's name and
digest, so a preview shows which step changes. A changed script, setting or connection reruns the
step in place; a changed trigger, such as another machine behind the connection, replaces it. Every
script is safe to rerun.
"""

import hashlib
from collections.abc import Mapping

import pulumi
from pulumi_command import remote

from components.login import MachineLogin
from ops.hosts import scripts
from ops.hosts.sudo import root_command

# Properties ignored (`ignore_changes`) on a step that runs once; when a trigger replaces the step,
# it takes the new values.
RUN_ONCE = ["create", "stdin", "connection"]

Settings = Mapping[str, pulumi.Input[str]]


def step(
    name: str,
    script: str,
    *,
    triggers: list[pulumi.Input[str]],
    login: MachineLogin,
    settings: Settings,
    deadline_seconds: int,
    opts: pulumi.ResourceOptions | None = None,
) -> remote.Command:
    """Run `scripts/node/<script>.sh` on a machine, at most `deadline_seconds` long."""
    return remote.Command(
        name,
        create=as_root(
            script,
            sudo=login.sudo,
            needs_password=login.sudo_password is not None,
            deadline_seconds=deadline_seconds,
        ),
        stdin=_secret_stdin(script, settings, login.sudo_password),
        connection=login.connection(),
        triggers=triggers,
        logging=remote.Logging.STDOUT_AND_STDERR,
        add_previous_output_in_env=False,
        opts=opts,
    )


def _secret_stdin(
    script: str, settings: Settings, password: pulumi.Output[str] | None
) -> pulumi.Output[str]:
    known = pulumi.Output.all(pulumi.Output.all(**settings), password)
    return pulumi.Output.secret(known.apply(lambda both: scripts.compose(script, *both)))


def as_root(script: str, *, sudo: bool, needs_password: bool, deadline_seconds: int) -> str:
    """Return the command that runs the step from its standard input as root."""
    content = hashlib.sha256(scripts.source(script).encode()).hexdigest()[:8]
    run = f'eval "$(cat)"; step_{script.replace("-", "_")}'
    words = f"{script}@{content}"
    return root_command(
        run, sudo=sudo, needs_password=needs_password, seconds=deadline_seconds, words=words
    )
