"""Show when certificates expire, on every machine."""

import click

from model.selectors import LabelSelector
from scripts.fleet.duration import Duration
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    check_selection,
    cluster_option,
    examples,
    selector_option,
    stack_argument,
)

EPILOG = (
    examples(
        "fleet certs                           of every machine of the stack dev",
        "fleet certs prod --cluster tokyo      of one cluster of another stack",
        "fleet certs -l region=tokyo           of the clusters with this label",
        "fleet certs --threshold 60d -o json   for a monitoring system",
    )
    + """

\b
Exit status:
  0  nothing is missing, expired or about to expire
  1  something is; it is at the top of the table
  2  a machine, or a file on it, could not be read, or the command failed"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@cluster_option()
@selector_option()
@click.option(
    "--threshold",
    type=Duration(),
    metavar="DURATION",
    help="What expires within this time is about to expire: 12h, 60d (default: a year for a CA, a "
    "tenth of its lifetime for another certificate, which something should have renewed).",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Format; docs/ledger.schema.json describes the fields.",
)
def command(
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    threshold: int | None,
    output: str,
) -> None:
    """Show every certificate on the stack's machines and in its kubeconfigs, soonest expiry first.

    Files are read on the machines over SSH, so neither an expired certificate nor an unreachable
    API hides anything. Files that a component is configured to read and that do not exist are
    listed as missing. Keys have no expiry: a second table shows since when they are in place.

    A person's kubeconfig is listed, but does not count as a finding: it is meant to end.
    """
    from scripts.fleet import ledger

    check_selection(clusters, selector)
    raise SystemExit(ledger.show(stack, clusters, selector, threshold, output))
