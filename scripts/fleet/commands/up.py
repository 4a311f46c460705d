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
    "fleet up prod --wait             until no cluster waits for the soak of an earlier wave",
    "fleet up --plan-file plan.txt    every resource and every diagnostic, in a file",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option("-y", "--yes", is_flag=True, help="Do not ask, also when the stack has `protect`.")
@click.option("--wait", is_flag=True, help="Wait for soaks to end, and run again after each.")
@plan_options()
def command(stack: str, yes: bool, wait: bool, verbose: bool, plan_file: Path | None) -> None:
    """Make the stack's clusters, or bring them up to date, and write ./kubeconfig.

    A stack whose config has `protect: true` shows its plan first and asks. What was finished by a
    run that failed stays; running it again resumes from there. Clusters that wait for the soak of
    an earlier wave are named; the next run after it changes them.
    """
    from ops.errors import OperatorError
    from scripts.fleet import access
    from scripts.fleet.session import AGAIN, Failed, Output, engine_of, is_protected, run
    from scripts.fleet.waiting import run_until_none_waits, show_waiting

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

    def once() -> None:
        run(engine, "up", output)

    try:
        if wait:
            run_until_none_waits(once, engine.outputs, lambda text: click.echo(text, err=True))
        else:
            once()
    except Failed as error:
        # Clusters that answer can be used, and one that does not is named.
        with suppress(OperatorError):
            access.show_access(access.write(access.exported(engine), stack))
        raise Failed(f"{error}\n{AGAIN}") from None
    access.show_access(access.write(access.exported(engine), stack))
    show_waiting(engine.outputs())
