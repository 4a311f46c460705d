"""List and switch contexts, or open a shell for one cluster."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = (
    examples(
        "fleet ctx                             the contexts of ./kubeconfig",
        "fleet ctx cluster2                    make cluster2-admin the current one",
        "fleet ctx -s prod --shell tokyo       a shell for the cluster tokyo of the stack prod",
    )
    + """

\b
Exit status:
  0  success; of a shell, its own
  2  there is no such context or cluster"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("--shell", "cluster", metavar="CLUSTER", help="Open a shell for this cluster.")
@click.option("--no-headers", is_flag=True, help="Print no titles.")
@click.argument("name", metavar="[CONTEXT]", required=False)
def command(stack: str, cluster: str | None, no_headers: bool, name: str | None) -> None:
    """List the contexts of ./kubeconfig, or make CONTEXT the current one.

    CONTEXT is a context or its cluster; `kubectl config use-context` does the same.

    With --shell, a shell opens in which kubectl and other programs know that cluster alone:
    KUBECONFIG is its own file, so that nothing else changes its context. FLEET_STACK and
    FLEET_CLUSTER name it, and so does the prompt (bash, zsh): in red if the stack or a label of the
    cluster is named prod or production.
    """
    import os

    from scripts.fleet import access, contexts, status_cache, targets
    from scripts.fleet.engine_run import show

    if cluster and name:
        raise click.UsageError("CONTEXT and --shell cannot be combined")
    if cluster:
        ((file, labels),) = targets.chosen_files(
            stack, status_cache.of_stack(stack), names=[cluster]
        )
        raise SystemExit(contexts.run_shell(file, stack, labels or {}))
    if name is None:
        show(contexts.table(contexts.read(access.KUBECONFIG), titles=not no_headers))
        return
    found = contexts.switch(access.KUBECONFIG, name)
    click.echo(f"The current context of {access.KUBECONFIG} is {found.name}.", err=True)
    used = os.environ.get("KUBECONFIG", "")
    if str(access.KUBECONFIG) not in used.split(os.pathsep):
        click.echo(f"kubectl uses it after:\n  export KUBECONFIG={access.KUBECONFIG}", err=True)
