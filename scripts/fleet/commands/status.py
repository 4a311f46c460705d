"""Show clusters and nodes, and what is not well."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = (
    examples(
        "fleet status            the stack dev",
        "fleet status -s prod    another stack",
    )
    + """

\b
Exit status:
  0  every node is ready
  1  something is not well; it is named below the table
  2  nothing could be shown"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.pass_context
def command(context: click.Context, stack: str) -> None:
    """Show clusters and nodes, then what is not well and for how long."""
    from scripts.fleet import access

    rows = access.show_nodes(access.of_stack(stack))
    if problems := [problem for row in rows for problem in row.problems]:
        click.echo("\nNot well:")
        for problem in problems:
            click.echo(f"  {problem}")
        context.exit(1)
