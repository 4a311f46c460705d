"""Compare two clusters field by field."""

from pathlib import Path

import click

from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    examples,
    kubeconfig_option,
    stack_option,
    timeout_option,
)

EPILOG = (
    examples(
        "fleet diff tokyo osaka                     two clusters of the stack dev",
        "fleet diff tokyo osaka -s prod -o json     of another stack, for a program",
        "fleet diff a-admin b --kubeconfig FILE     two contexts of a kubeconfig",
    )
    + """

\b
Exit status:
  0  everything was read, and nothing differs
  1  something differs
  2  nothing differs that was read, but not everything was; or wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@stack_option()
@kubeconfig_option()
@timeout_option()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Format; docs/diff.schema.json describes the fields.",
)
@click.option("--no-headers", is_flag=True, help="Print no head lines of tables.")
def command(
    first: str,
    second: str,
    stack: str,
    kubeconfig: Path | None,
    timeout: float,
    output: str,
    no_headers: bool,
) -> None:
    """Show each field in which the clusters A and B differ, with both values.

    What is compared is what `fleet consistency` compares, without any config: also what the configs
    of the two declare differently. A cluster's own names, addresses, networks and certificates are
    skipped. A value that not all nodes of a cluster have is shown with those that have it.
    """
    from scripts.fleet import consistency

    if first == second:
        raise click.UsageError(f"A and B are the same cluster, {first}")
    status = consistency.show_difference(
        stack, (first, second), kubeconfig, timeout, output, headers=not no_headers
    )
    raise SystemExit(status)
