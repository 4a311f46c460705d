"""Run kubectl for many clusters."""

import click

from scripts.fleet.commands.exec import EXIT_STATUS
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    EachClusterOptions,
    each_cluster_options,
    examples,
)

EPILOG = (
    examples(
        "fleet kubectl -- get pods --all-namespaces",
        "fleet kubectl -s prod -l region=tokyo -- rollout status deploy/web -n shop",
        "fleet kubectl --cluster cluster1 -- top nodes",
        "fleet kubectl -o json -- get nodes -o json",
    )
    + EXIT_STATUS
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@each_cluster_options()
@click.argument("arguments", metavar="-- ARGUMENTS...", nargs=-1, required=True)
def command(options: EachClusterOptions, arguments: tuple[str, ...]) -> None:
    """Run kubectl with ARGUMENTS once for each cluster, for several at the same time.

    As `fleet exec`, with the kubectl in PATH, or else that of the newest bundle. What asks a
    question (`edit`, `exec --stdin`) is for one cluster: `fleet ctx --shell` opens a shell for it.
    """
    from scripts.fleet import command_run

    raise SystemExit(command_run.run_each(options, [command_run.kubectl(), *arguments]))
