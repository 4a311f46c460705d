"""Replace a CA or the service-account key of clusters, phase by phase."""

import click

from model.rotation_phases import NAMES, PHASES
from model.selectors import LabelSelector
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    cluster_option,
    examples,
    selector_option,
    stack_option,
)

STATUS = "status"
EPILOG = (
    examples(
        "fleet rotate ca --cluster tokyo               the next phase of its CA",
        "fleet rotate etcd-ca -l region=tokyo          of all clusters with this label",
        "fleet rotate ca --cluster tokyo --phase prepare    take a switch back",
        "fleet rotate ca --cluster tokyo --write-only  for a pull request",
        "fleet rotate status -s prod                   the phases of another stack",
    )
    + """

\b
Phases, each by a run of its own:
  prepare  the successor is trusted beside its predecessor; to take it back, remove the phase
           from `rotations` of the cluster and run `fleet up`
  switch   the successor signs; certificates are issued again, kubelets are restarted once
  finish   the predecessor is no longer trusted, which cannot be taken back"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.argument("subject", type=click.Choice([*NAMES, STATUS]))
@stack_option()
@cluster_option()
@selector_option()
@click.option(
    "--phase",
    type=click.Choice(PHASES),
    help="The phase to write, instead of the one that follows the one in the stack's file.",
)
@click.option("--write-only", is_flag=True, help="Write the stack's file, and run nothing.")
@click.option(
    "--now",
    is_flag=True,
    help="All phases, one after another, for a key that has leaked, without waiting for pods and "
    "people. What breaks is said first.",
)
@click.option(
    "-y",
    "--yes",
    is_flag=True,
    help="Apply without asking: the whole plan, so also other pending edits of the stack's file.",
)
def command(
    subject: str,
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    phase: str | None,
    write_only: bool,
    now: bool,
    yes: bool,
) -> None:
    """Write the next phase of a rotation into the stack's file, show the preview, ask, and apply.

    After `finish`, the next phase is `prepare` of a new rotation. The whole plan is applied: what
    is not of the rotation, such as other edits of the file, is named before. Comments of the file
    are kept. If the preview rejects the phase, or you do not agree, the file is as it was. A run
    that fails or is interrupted is resumed by `fleet up`.
    """
    from scripts.fleet import rotation, rotation_status

    if subject == STATUS:
        rotation_status.show_status(stack)
        return
    if bool(clusters) == bool(selector):
        raise click.UsageError("name the clusters, with --cluster or with --selector")
    if now and (phase or write_only):
        raise click.UsageError("--now takes all phases, in this run")
    if now:
        rotation.rotate_now(stack, subject, clusters, selector, yes=yes)
        return
    rotation.rotate(stack, subject, clusters, selector, phase, write_only=write_only, yes=yes)
