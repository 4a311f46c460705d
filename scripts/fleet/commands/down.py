"""Destroy the stack's clusters."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet down            the stack dev",
    "fleet down staging    another stack; one with `protect` is rejected",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@plan_options()
def command(stack: str, verbose: bool, plan_file: Path | None) -> None:
    """Destroy the stack's clusters, then remove its state, kubeconfigs and credentials.

    The kubeconfigs include those of people, ./kubeconfig-NAME, and the state its former versions.
    Each file that is removed is named; files that no stack or another one wrote are kept.
    Contexts that `fleet kubeconfig --merge` added to ~/.kube/config are removed as well.
    Machines and CAs of a cluster with `protect: true` are not destroyed: the run fails.
    """
    from scripts.fleet import access, home_kubeconfig
    from scripts.fleet.engine_run import PlanOutput, engine_of, run

    engine = engine_of(stack)
    if engine.prepare():
        access.save_identities(engine.deployment())
        run(engine, "destroy", PlanOutput(verbose, plan_file))
        for path in engine.remove():
            click.echo(f"Removed {path}: copies of the stack's former states.", err=True)
    else:
        click.echo(f"The stack {stack} does not exist: nothing to destroy.")
    for path in access.remove(stack):
        click.echo(f"Removed {path}.", err=True)
    own = Path.home() / ".kube" / "config"
    if home_kubeconfig.remove_from(own, stack):
        click.echo(f"Removed the contexts of {stack} from {own}.", err=True)
