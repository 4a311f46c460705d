"""Detect drift on the machines; the next `fleet up` repairs it."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet refresh && fleet preview    show the drift, then its repair",
    "fleet refresh prod                another stack",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@plan_options()
def command(stack: str, verbose: bool, plan_file: Path | None) -> None:
    """Compare the machines with the stack's state and record drift; the next `fleet up` repairs it.

    No machine is changed.
    """
    from scripts.fleet.access import save_identities
    from scripts.fleet.engine_run import PlanOutput, existing_engine, run

    engine = existing_engine(stack)
    save_identities(engine.deployment())
    run(engine, "refresh", PlanOutput(verbose, plan_file))
