"""Open a shell, or run a command, on a machine."""

from typing import TYPE_CHECKING

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

if TYPE_CHECKING:
    from ops.hosts.login import Login

EPILOG = examples(
    "fleet ssh cluster1-worker-0",
    "fleet ssh cluster1-worker-0 -- uptime",
    "fleet ssh cluster1-worker-0 -- 'journalctl --boot | grep -i error'",
    "fleet ssh cluster1-worker-0 -- tar --create /etc > etc.tar",
    "fleet ssh --tty cluster1-worker-0 -- sudo vi /etc/hosts",
)
# As ssh(1) ends when it could not connect.
NOT_CONNECTED = 255


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("-t", "--tty", is_flag=True, help="Allocate a terminal for COMMAND.")
@click.argument("machine")
@click.argument("arguments", metavar="[-- COMMAND...]", nargs=-1)
def command(stack: str, tty: bool, machine: str, arguments: tuple[str, ...]) -> None:
    """Open a shell on a machine, or run COMMAND, with the stack's own SSH login.

    The login comes from the stack: user, key, bastion and pinned host key. A COMMAND of one word is
    interpreted by the machine's shell; of several words, each is passed on unchanged. The exit
    status is the command's own, or 255 if the connection failed.
    """
    import shlex

    from ops.hosts.ssh_errors import Unreachable
    from scripts.fleet.engine_run import inventory

    line = arguments[0] if len(arguments) == 1 else shlex.join(arguments)
    login = inventory(stack).machine(machine).login
    if not login.is_pinned:
        click.echo(
            f"warning: the host key of {login} is not pinned, so its identity is not verified",
            err=True,
        )
    try:
        status = _run(login, line or None, tty)
    except Unreachable as error:
        click.echo(f"fleet: {error}", err=True)
        status = NOT_CONNECTED
    raise SystemExit(status)


def _run(login: "Login", line: str | None, tty: bool) -> int:
    import sys
    from contextlib import nullcontext

    from ops.hosts.ssh import connected
    from scripts.fleet.relay import relay
    from scripts.fleet.terminal import raw_mode, terminal

    interactive = sys.stdin.isatty() and (tty or line is None)
    with connected(login) as connection:
        channel = connection.open(line, terminal() if interactive or tty else None)
        with raw_mode(channel) if interactive else nullcontext():
            status = relay(channel)
        if status < 0 and connection.is_alive:
            click.echo(f"fleet: {login}: the command was killed by a signal", err=True)
        elif status < 0:
            click.echo(f"fleet: {login}: the connection was lost", err=True)
        return status if status >= 0 else NOT_CONNECTED
