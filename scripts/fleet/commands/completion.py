"""Print the shell completion script."""

import click
from click.shell_completion import get_completion_class

from scripts.fleet.options import CONTEXT_SETTINGS, examples

SHELLS = ("bash", "zsh", "fish")
EPILOG = examples(
    "source <(fleet completion bash)",
    "fleet completion zsh > ~/.zfunc/_fleet",
    "fleet completion fish > ~/.config/fish/completions/fleet.fish",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print a script that makes the shell complete commands, options and stacks."""
    completion = get_completion_class(shell)
    assert completion is not None
    group = context.find_root().command
    click.echo(completion(group, {}, "fleet", "_FLEET_COMPLETE").source())
