"""Write the kubeconfig of the stack's clusters."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = examples("fleet kubeconfig -s prod      ./kubeconfig of another stack")


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
def command(stack: str) -> None:
    """Write ./kubeconfig anew, and show the nodes that it reaches."""
    from scripts.fleet.session import existing, show_nodes, write_kubeconfig

    write_kubeconfig(existing(stack), stack)
    show_nodes()
