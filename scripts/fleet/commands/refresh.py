"""Read the machines back, so that the next `fleet up` repairs what drifted."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet refresh && fleet preview    what drifted, and its repair",
    "fleet refresh prod                another stack",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@plan_options()
def command(stack: str, verbose: bool, plan_file: Path | None) -> None:
    """Read the machines back, so that the next `fleet up` repairs what drifted.

    It changes no machine.
    """
    from scripts.fleet.session import Output, existing, run

    run(existing(stack), "refresh", Output(verbose, plan_file))
