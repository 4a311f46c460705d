"""A node step: one checked-in script of scripts/node/, run as root on one machine over SSH.

The script is among the machine's artifacts (ops/hosts/artifacts.py), where the machine's resource
has put it; the command names it by its checksum, so a preview shows which step changes. Settings
are sent on standard input, so that none ever appears in a process list, a log or an error. A
changed script, setting or connection reruns the step in place; a changed trigger, such as another
machine behind the connection, replaces it. Every script is safe to rerun.
"""

from collections.abc import Mapping

import pulumi
from pulumi_command import remote

from components.login import MachineLogin
from components.texts import script_checksum
from model.render.node_paths import ARTIFACTS
from ops.hosts.scripts import assignments
from ops.hosts.sudo import root_command, sudo_preamble

# Properties ignored (`ignore_changes`) on a step that runs once; when a trigger replaces the step,
# it takes the new values.
RUN_ONCE = ["create", "stdin", "connection"]

# A script that is not what its name says is removed, so that the next refresh misses it. The
# message is a setting: the engine shows the command in every error of a step.
VERIFY = (
    '[[ $(sha256sum 2>/dev/null <"$1") == "${1##*/}  -" ]] || '
    '{ rm -f "$1"; echo "$SCRIPT_MISSING" >&2; exit 1; }; '
)
SCRIPT_MISSING = (
    "error: the script of this step is missing or damaged on the machine\n"
    "  what to do: run 'fleet refresh' and 'fleet up' to send it again"
)

Settings = Mapping[str, pulumi.Input[str]]


def step(
    name: str,
    script: str,
    *,
    triggers: list[pulumi.Input[str]],
    login: MachineLogin,
    settings: Settings,
    deadline_seconds: int,
    content: pulumi.Output[Mapping[str, str]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> remote.Command:
    """Run `scripts/node/<script>.sh` on a machine, at most `deadline_seconds` long.

    With `content`, the checksums of the texts that the machine was given last, it is that script.
    """
    given = (
        pulumi.Output.from_input({script: script_checksum(script)}) if content is None else content
    )
    return remote.Command(
        name,
        create=given.apply(
            lambda texts: as_root(
                script,
                texts[script],
                sudo=login.sudo,
                needs_password=login.sudo_password is not None,
                deadline_seconds=deadline_seconds,
            )
        ),
        stdin=_secret_stdin(settings, login.sudo_password),
        connection=login.connection(),
        triggers=triggers,
        logging=remote.Logging.STDOUT_AND_STDERR,
        add_previous_output_in_env=False,
        opts=opts,
    )


def _secret_stdin(settings: Settings, password: pulumi.Output[str] | None) -> pulumi.Output[str]:
    known = pulumi.Output.all(pulumi.Output.all(**settings), password)
    return pulumi.Output.secret(known.apply(lambda both: step_input(*both)))


def step_input(settings: Mapping[str, str], password: str | None) -> str:
    """Return a step's standard input: the password for sudo, and the settings."""
    return sudo_preamble(password) + assignments({**settings, "SCRIPT_MISSING": SCRIPT_MISSING})


def as_root(
    script: str, checksum: str, *, sudo: bool, needs_password: bool, deadline_seconds: int
) -> str:
    """Return the command that runs the step as root, with the settings from its standard input."""
    run = f'eval "$(cat)"; {VERIFY}. "$1"; step_{script.replace("-", "_")}'
    words = f"{script} {ARTIFACTS}/{checksum}"
    return root_command(
        run, sudo=sudo, needs_password=needs_password, seconds=deadline_seconds, words=words
    )
