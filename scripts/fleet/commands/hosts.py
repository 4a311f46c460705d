"""Read the SSH host keys of existing hosts."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples

EPILOG = examples(
    "fleet hosts scan 10.20.1.11 10.20.1.12 > hosts.yaml",
    "fleet hosts scan --port 2222 worker-{0..9}.example.com",
    "fleet hosts scan --bastion jump@bastion.example.com 10.0.0.11",
)


@click.group(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Read the SSH host keys of existing hosts."""


@command.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(1, 65535),
    default=22,
    show_default=True,
    help="Port of sshd, for hosts given without one.",
)
@click.option(
    "-J",
    "--bastion",
    metavar="USER@HOST[:PORT]",
    help="Connect through this host; its key is in ~/.ssh/known_hosts, yours in the SSH agent.",
)
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True)
def scan(port: int, bastion: str | None, hosts: tuple[str, ...]) -> None:
    """Read the SSH host keys of HOSTs and print them as YAML for Pulumi.STACK.yaml.

    HOST is a name, an address or HOST:PORT. A scan is not authenticated: before you copy a key,
    compare its fingerprint, which is printed on standard error, with the output of `ssh-keygen -lf
    /etc/ssh/ssh_host_ed25519_key.pub` on the host's console. The exit status is 2 if a host did not
    answer.
    """
    from scripts.fleet.host_scan import show

    raise SystemExit(show(hosts, port, bastion))
