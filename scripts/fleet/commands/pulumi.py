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
    if not engine.workspace.external_backend:
        _reject_writes(arguments, engine.workspace.tracked_config.name)
    engine.prepare(create=True)
    try:
        engine.run(*arguments)
    except PulumiError as error:
        click.echo(f"fleet: {error}", err=True)
        context.exit(error.status)


def _reject_writes(arguments: tuple[str, ...], tracked: str) -> None:
    """Raise UsageError for a command that would write into the tracked stack file."""
    if arguments[:2] == ("config", "set") and "--secret" not in arguments:
        raise click.UsageError(
            "only secrets can be set with this command (`config set --secret`): edit "
            f"{tracked} to change any other setting"
        )
    if arguments[:2] == ("stack", "change-secrets-provider"):
        raise click.UsageError(
            f"this command would write into {tracked} and keep the passphrase: docs/security.md "
            "says how to change it"
        )
