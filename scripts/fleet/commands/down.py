"""Destroy the stack's clusters."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet down            the stack dev",
    "fleet down staging    another one; with `protect` its machines and CAs are refused",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@plan_options()
def command(stack: str, verbose: bool, plan_file: Path | None) -> None:
    """Destroy the stack's clusters, then remove its record and its kubeconfigs.

    What `fleet kubeconfig --merge` has put into ~/.kube/config is taken out again.
    """
    from scripts.fleet import access, merged_kubeconfig
    from scripts.fleet.session import Output, engine_of, run

    engine = engine_of(stack)
    if engine.prepare():
        run(engine, "destroy", Output(verbose, plan_file))
        engine.remove()
    else:
        click.echo(f"The stack {stack} does not exist: nothing to destroy.")
    for path in access.remove(stack):
        click.echo(f"Removed {path}.", err=True)
    own = Path.home() / ".kube" / "config"
    if merged_kubeconfig.remove_from(own, stack):
        click.echo(f"Removed the contexts of {stack} from {own}.", err=True)
