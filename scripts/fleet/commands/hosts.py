"""Find out what the config has to say of hosts that exist."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples

EPILOG = examples(
    "fleet hosts scan 10.20.1.11 10.20.1.12 > hosts.yaml",
    "fleet hosts scan --port 2222 worker-{0..9}.example.com",
    "fleet hosts scan --bastion jump@bastion.example.com 10.0.0.11",
)


@click.group(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Find out what the config has to say of hosts that exist."""


@command.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(1, 65535),
    default=22,
    show_default=True,
    help="Where sshd listens, on hosts that are not given as HOST:PORT.",
)
@click.option(
    "-J",
    "--bastion",
    metavar="USER@HOST[:PORT]",
    help="A host to go through: one of ~/.ssh/known_hosts, with a key of the SSH agent.",
)
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
def scan(port: int, bastion: str | None, hosts: tuple[str, ...]) -> None:
    """Read hosts' SSH keys and print them as the stack's file takes them.

    Whoever answers at an address shows a key. So compare each fingerprint, which is shown on
    standard error, with what the host's own console shows before you put the key into the file:
    `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. The exit status is 2 if a host did not
    answer.
    """
    from scripts.fleet.host_scan import show

    raise SystemExit(show(hosts, port, bastion))
