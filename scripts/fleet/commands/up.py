"""Create the stack's clusters, or apply changes to them."""

import sys
from contextlib import suppress
from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, plan_options, stack_argument

EPILOG = examples(
    "fleet up                         the stack dev",
    "fleet up prod                    another stack; one with `protect` shows its plan and asks",
    "fleet up prod --yes              without a prompt: for CI, after the plan was approved",
    "fleet up prod --wait             repeated until every wave is done",
    "fleet up --plan-file plan.txt    with every resource and diagnostic, in a file",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option("-y", "--yes", is_flag=True, help="Do not ask, even if the stack has `protect`.")
@click.option("--wait", is_flag=True, help="Wait for soaks to end, and rerun after each.")
@plan_options()
def command(stack: str, yes: bool, wait: bool, verbose: bool, plan_file: Path | None) -> None:
    """Create the stack's clusters, or apply changes to them, and write ./kubeconfig.

    A stack with `protect: true` in its config shows its plan first and asks. Every run is
    resumable: if one fails or is killed, run it again. Clusters that wait for the soak of an
    earlier wave are listed with the time from which the next run changes them.
    """
    from ops.errors import OperatorError
    from scripts.fleet import access, revoked_access
    from scripts.fleet.engine_run import (
        RESUME_HINT,
        PlanOutput,
        RunFailed,
        StackLocked,
        engine_of,
        is_protected,
        run,
    )
    from scripts.fleet.explanation import clusters_of
    from scripts.fleet.waiting import run_until_none_waits, show_waiting

    engine = engine_of(stack)
    output = PlanOutput(verbose, plan_file)
    ask = not yes and is_protected(engine)
    if ask and not sys.stdin.isatty():
        clusters_of(engine.workspace.tracked_config)  # A mistake in the file comes first.
        raise OperatorError(
            f"the stack {stack} has `protect: true` and there is no terminal for the prompt: "
            f"check `fleet preview {stack}`, then run `fleet up {stack} --yes`"
        )
    engine.prepare(create=True)
    if ask and run(engine, "preview", output).any:
        click.confirm(f"Apply these changes to {stack}?", abort=True, err=True)

    def once() -> None:
        run(engine, "up", output)

    try:
        if wait:
            run_until_none_waits(once, engine.outputs, lambda text: click.echo(text, err=True))
        else:
            once()
    except StackLocked:
        raise
    except RunFailed as error:
        # Reachable clusters can be used; an unreachable one is listed with the reason.
        with suppress(OperatorError):
            access.show_access(access.write(access.stack_kubeconfig(engine), stack))
        raise RunFailed(f"{error}\n{RESUME_HINT}", error.exit_status) from None
    state = engine.deployment()
    access.remove_unused_identities(state, stack)
    files = access.write(access.kubeconfig_in(state.outputs, stack), stack)
    access.show_access(files)
    revoked_access.warn(stack, files, state)
    show_waiting(state.outputs)
