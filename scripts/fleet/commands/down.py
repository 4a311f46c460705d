"""Destroy the stack's clusters."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_argument

EPILOG = examples("fleet down            the stack dev")


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
def command(stack: str) -> None:
    """Destroy the stack's clusters, then remove its record and ./kubeconfig."""
    from ops.pulumi.engine import PulumiCli
    from ops.pulumi.workspace import open_workspace
    from scripts.fleet import kubeconfig
    from scripts.fleet.session import KUBECONFIG, UNATTENDED, stage

    engine = PulumiCli(open_workspace(stack))
    with stage(f"down {stack}"):
        if engine.prepare():
            engine.run("destroy", *UNATTENDED)
            # Without --preserve-config it would delete the stack file.
            engine.run("stack", "rm", "--yes", "--preserve-config", stack)
        else:
            click.echo(f"The stack {stack} does not exist: nothing to destroy.")
        if kubeconfig.remove(KUBECONFIG, stack):
            click.echo(f"Removed {KUBECONFIG}.")
