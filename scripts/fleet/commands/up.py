"""Make the stack's clusters, or bring them up to date."""

import sys
from contextlib import suppress
from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet up                         the stack dev",
    "fleet up prod                    another stack; one with `protect` shows its plan and asks",
    "fleet up prod --yes              nobody is asked: for CI, after the plan was approved",
    "fleet up --plan-file plan.txt    every resource and every diagnostic, in a file",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option("-y", "--yes", is_flag=True, help="Do not ask, also when the stack has `protect`.")
@plan_options()
def command(stack: str, yes: bool, verbose: bool, plan_file: Path | None) -> None:
    """Make the stack's clusters, or bring them up to date, and write ./kubeconfig.

    A stack whose config has `protect: true` shows its plan first and asks. What was finished by a
    run that failed stays; running it again resumes from there.
    """
    from ops.errors import OperatorError
    from scripts.fleet import access
    from scripts.fleet.session import AGAIN, Failed, Output, engine_of, is_protected, run

    engine = engine_of(stack)
    output = Output(verbose, plan_file)
    ask = not yes and is_protected(engine)
    if ask and not sys.stdin.isatty():
        raise OperatorError(
            f"the stack {stack} has `protect: true`, and there is no terminal to ask on: "
            f"look at `fleet preview {stack}`, then run `fleet up {stack} --yes`"
        )
    engine.prepare(create=True)
    if ask and run(engine, "preview", output).any:
        click.confirm(f"Make these changes in {stack}?", abort=True, err=True)
    try:
        run(engine, "up", output)
    except Failed as error:
        # Clusters that answer can be used, and one that does not is named.
        with suppress(OperatorError):
            access.show_access(access.write(access.exported(engine), stack))
        raise Failed(f"{error}\n{AGAIN}") from None
    access.show_access(access.write(access.exported(engine), stack))
