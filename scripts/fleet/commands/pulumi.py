"""Run a pulumi command on the stack."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = examples(
    "fleet pulumi stack output clusters",
    "fleet pulumi -s prod config set --secret sshPrivateKey < ~/.ssh/id_ed25519",
    "fleet pulumi cancel --yes             remove the lock of a killed run",
)
SETTINGS = {**CONTEXT_SETTINGS, "ignore_unknown_options": True, "allow_interspersed_args": False}


@click.command(context_settings=SETTINGS, epilog=EPILOG)
@stack_option()
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, required=True)
@click.pass_context
def command(context: click.Context, stack: str, arguments: tuple[str, ...]) -> None:
    """Run a pulumi command on the stack, with its backend and passphrase.

    The exit status is pulumi's own.
    """
    from ops.pulumi.cli import PulumiError
    from ops.pulumi.engine import Engine
    from ops.pulumi.workspace import open_workspace

    engine = Engine(open_workspace(stack))
    plain = arguments[:2] == ("config", "set") and "--secret" not in arguments
    if plain and not engine.workspace.external_backend:
        raise click.UsageError(
            "only secrets can be set with this command (`config set --secret`): edit "
            f"{engine.workspace.tracked_config.name} to change any other setting"
        )
    engine.prepare(create=True)
    try:
        engine.run(*arguments)
    except PulumiError as error:
        click.echo(f"fleet: {error}", err=True)
        context.exit(error.status)
