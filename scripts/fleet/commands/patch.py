"""Install security updates of the operating system on clusters' machines, in turns."""

import click

from model.selectors import LabelSelector
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    cluster_option,
    examples,
    selector_option,
    stack_option,
)

EPILOG = examples(
    "fleet patch --dry-run                      what is pending on each machine",
    "fleet patch -l environment=staging         the clusters with this label",
    "fleet patch -s prod                        all clusters, in waves if there are some",
    "fleet patch --cluster tokyo --write-only   for a pull request",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@cluster_option()
@selector_option()
@click.option("--dry-run", is_flag=True, help="List what is pending, and change nothing.")
@click.option("--write-only", is_flag=True, help="Write the stack's file, and run nothing.")
@click.option("-y", "--yes", is_flag=True, help="Apply without asking.")
def command(
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    dry_run: bool,
    write_only: bool,
    yes: bool,
) -> None:
    """Find security updates of all machines, write a round into the stack's file, and apply it.

    Machines with updates are drained, updated, and rebooted if their system asks for it: one
    control plane after another, at most `maxUnavailable` workers at a time, and later waves after
    earlier ones. Before that, the updates of each machine and the preview are shown. If you do not
    agree, the file is as it was.

    A run that fails or is killed is resumed by `fleet up`, or by this command: what is done is not
    done again. The package lists of machines are read again in any case.
    """
    from scripts.fleet import patching

    if clusters and selector:
        raise click.UsageError("name the clusters with --cluster, or with --selector")
    if dry_run and (write_only or yes):
        raise click.UsageError("--dry-run changes nothing")
    if dry_run:
        raise SystemExit(patching.show_pending(stack, clusters, selector))
    patching.patch(stack, clusters, selector, write_only=write_only, yes=yes)
