"""Show clusters, nodes and problems."""

import click

from model.selectors import LabelSelector
from scripts.fleet.options import CONTEXT_SETTINGS, examples, selector_option, stack_option

EPILOG = (
    examples(
        "fleet status                  the stack dev",
        "fleet status -s prod          another stack",
        "fleet status -l region=tokyo  the clusters with this label",
    )
    + """

\b
Exit status:
  0  every node is healthy
  1  a cluster or node has problems; they are listed below the table
  2  the stack could not be read"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@selector_option()
@click.pass_context
def command(context: click.Context, stack: str, selector: LabelSelector | None) -> None:
    """Show the nodes of every cluster, then the problems found and since when."""
    from scripts.fleet import access

    rows = access.show_nodes(access.cluster_kubeconfigs(stack, selector))
    if problems := [problem for row in rows for problem in row.problems]:
        click.echo("\nProblems:")
        for problem in problems:
            click.echo(f"  {problem}")
        context.exit(1)
