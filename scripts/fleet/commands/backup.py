"""Show the snapshots of etcd that control planes keep, and copy one to this host."""

from pathlib import Path

import click

from model.selectors import LabelSelector
from scripts.fleet.options import CONTEXT_SETTINGS, examples, selector_option, stack_option

EPILOG = examples(
    "fleet backup ls                                of every cluster of the stack dev",
    "fleet backup ls -s prod tokyo --verify         of one cluster, each read and verified",
    "fleet backup fetch cluster1                    copy the newest one to this folder",
    "fleet backup fetch cluster1 --now -O safe.db   take one now, and copy it",
)
LS_EPILOG = (
    EPILOG
    + """

\b
Exit status:
  0  every control plane has a snapshot of the last two days, or joined within the hour
  1  a control plane has none, or a snapshot is corrupt
  2  a control plane could not be read, or the command failed"""
)


@click.group(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Show the snapshots of etcd that control planes keep, and copy one to this host.

    Each control plane takes one a day by itself, verifies it, and keeps the last seven.
    """


@command.command(context_settings=CONTEXT_SETTINGS, epilog=LS_EPILOG)
@stack_option()
@selector_option()
@click.option(
    "--verify",
    is_flag=True,
    help="Read every snapshot on its machine and compare it with its checksum.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Format; docs/backups.schema.json describes the fields.",
)
@click.argument("clusters", metavar="[CLUSTER...]", nargs=-1)
def ls(
    stack: str,
    selector: LabelSelector | None,
    verify: bool,
    output: str,
    clusters: tuple[str, ...],
) -> None:
    """Show the snapshots on the control planes of CLUSTERs, or of all, newest first."""
    from scripts.fleet import backups

    if clusters and selector:
        raise click.UsageError("CLUSTER and --selector cannot be combined")
    raise SystemExit(backups.show(stack, clusters, selector, output, verify=verify))


@command.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option(
    "-O",
    "--output-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The new file (default: CLUSTER-TIME.db in this folder).",
)
@click.option("--now", is_flag=True, help="Take a snapshot first.")
@click.argument("cluster")
def fetch(stack: str, output_file: Path | None, now: bool, cluster: str) -> None:
    """Copy the newest snapshot of CLUSTER's etcd to this host, verify it, and print its path.

    Neither the API nor a majority of etcd is needed: the snapshot comes from any control plane that
    answers. A copy that was interrupted is resumed by the same command. One that is here already is
    verified again instead.

    The file is private, and holds every Secret of the cluster: keep it as you keep the stack's
    passphrase, outside of the cluster.
    """
    from scripts.fleet import backups

    click.echo(backups.fetch(stack, cluster, output_file, now=now))
