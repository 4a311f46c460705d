"""Read the machines back, so that the next `fleet up` repairs what drifted."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_argument

EPILOG = examples("fleet refresh && fleet preview     what drifted, and its repair")


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
def command(stack: str) -> None:
    """Read the machines back, so that the next `fleet up` repairs what drifted."""
    from scripts.fleet.session import UNATTENDED, existing, stage

    engine = existing(stack)
    with stage(f"refresh {stack}"):
        engine.run("refresh", *UNATTENDED)
