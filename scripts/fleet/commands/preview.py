"""Show what `fleet up` would change, without changing it."""

from contextlib import ExitStack
from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet preview                         the stack dev",
    "fleet preview prod --verbose          with every resource and diagnostic",
    "fleet preview prod --plan-file FILE   with every resource and diagnostic, in a file",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@plan_options()
def command(stack: str, verbose: bool, plan_file: Path | None) -> None:
    """Show what `fleet up` would change, without changing it; root is not needed.

    Rejected changes come first, then a line for each cluster and machine that changes.
    """
    from ops.pulumi.engine import Engine
    from ops.pulumi.workspace import temporary_workspace
    from scripts.fleet.access import save_identities_for_rotation
    from scripts.fleet.engine_run import PlanOutput, engine_of, run

    engine = engine_of(stack)
    with ExitStack() as until_shown:
        if not engine.prepare():
            new = until_shown.enter_context(temporary_workspace(engine.workspace))
            engine = Engine(new)
            engine.prepare(create=True)
        else:
            save_identities_for_rotation(engine)
        run(engine, "preview", PlanOutput(verbose, plan_file))
