"""Show what is known of a cluster or a machine, with events."""

from pathlib import Path

import click

from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    View,
    cluster_option,
    examples,
    kubeconfig_option,
    stack_option,
    timeout_option,
)

EPILOG = (
    examples(
        "fleet describe tokyo                    a cluster of the stack dev",
        "fleet describe -s prod tokyo-worker-0   a machine of another stack",
        "fleet describe -o json tokyo            for a program",
        "fleet describe --kubeconfig FILE admin  a context of a kubeconfig",
    )
    + """

\b
Exit status:
  0  it is healthy
  1  it has a condition that is an Error or a Warning
  2  there is none of this name, it could not be read, or wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@cluster_option()
@kubeconfig_option()
@timeout_option()
@click.option(
    "-o",
    "--output",
    type=click.Choice(["tree", "json", "yaml"]),
    default="tree",
    show_default=True,
    help="Format; docs/describe.schema.json describes the fields.",
)
@click.argument("name", metavar="CLUSTER|MACHINE")
def command(
    stack: str,
    clusters: tuple[str, ...],
    kubeconfig: Path | None,
    timeout: float,
    output: str,
    name: str,
) -> None:
    """Show a cluster or a machine as a tree: facts, conditions, recent events.

    Of a cluster, the newest warnings are shown, of a machine all kinds of events of its Node.
    """
    from scripts.fleet import describe_command

    view = View(None, clusters, kubeconfig, timeout, output, watch=False, headers=True)
    raise SystemExit(describe_command.show(stack, name, view))
