"""Show clusters, nodes and problems."""

import click

from model.selectors import LabelSelector
from scripts.fleet.options import CONTEXT_SETTINGS, examples, selector_option, stack_argument

EPILOG = (
    examples(
        "fleet status                  the stack dev",
        "fleet status prod             another stack",
        "fleet status -l region=tokyo  the clusters with this label",
    )
    + """

\b
Exit status:
  0  every node is healthy, pods reach each other, and the machines are those of the file
  1  a cluster, a node or its pods have problems; they are listed below the table
  2  the stack could not be read"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@selector_option()
def command(stack: str, selector: LabelSelector | None) -> None:
    """Show the nodes of every cluster, then problems of nodes and pods, and since when.

    Nodes without a machine in the stack's file, and machines without a Node, are reported as
    problems. Rotations of CAs and keys that have begun are listed with the command that continues
    them, and so are people whose access was revoked and who are still in the stack's file, and
    security settings that are weaker than their defaults, with what that means.
    """
    from scripts.fleet import access, machine_nodes, pod_problems, revoked_access

    files = access.cluster_kubeconfigs(stack, selector)
    rows = access.show_nodes(files)
    problems = [problem for row in rows for problem in row.problems]
    problems += pod_problems.read_pod_problems(files, {row.cluster for row in rows if row.is_node})
    problems += machine_nodes.read_differences(rows, stack, selected=selector is not None)
    if rotations := machine_nodes.read_rotations(rows, stack):
        click.echo("\nRotations under way:")
        for line in rotations:
            click.echo(f"  {line}")
    if revoked := revoked_access.read(stack, files):
        click.echo("\nRevoked access of people who are still in the stack's file:")
        for line in revoked:
            click.echo(f"  {line}")
    if exceptions := machine_nodes.read_exceptions(rows, stack):
        click.echo("\nExceptions from the security defaults:")
        for line in exceptions:
            click.echo(f"  {line}")
    if problems:
        click.echo("\nProblems:")
        for problem in problems:
            click.echo(f"  {problem}")
        click.get_current_context().exit(1)
