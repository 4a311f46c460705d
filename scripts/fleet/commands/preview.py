"""Show what `fleet up` would do; changes nothing and needs no root."""

from contextlib import ExitStack

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_argument

EPILOG = examples(
    "fleet preview         the stack dev",
    "fleet preview prod    another stack",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
def command(stack: str) -> None:
    """Show what `fleet up` would do; changes nothing and needs no root."""
    from ops.pulumi.engine import PARALLEL, PulumiCli
    from ops.pulumi.workspace import open_workspace, temporary_workspace
    from scripts.fleet.session import stage

    engine = PulumiCli(open_workspace(stack))
    with stage(f"preview {stack}"), ExitStack() as until_shown:
        if not engine.prepare():
            new = until_shown.enter_context(temporary_workspace(engine.workspace))
            engine = PulumiCli(new)
            engine.prepare(create=True)
        engine.run("preview", "--non-interactive", "--parallel", str(PARALLEL))
