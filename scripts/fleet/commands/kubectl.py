"""Run kubectl for many clusters."""

import click

from model.selectors import LabelSelector
from scripts.fleet.commands.exec import EXIT_STATUS
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    cluster_option,
    each_cluster_options,
    examples,
    selector_option,
    stack_option,
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
@stack_option()
@cluster_option()
@selector_option()
@each_cluster_options()
@click.argument("arguments", metavar="-- ARGUMENTS...", nargs=-1, required=True)
def command(
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    parallel: int,
    seconds: float | None,
    output: str,
    arguments: tuple[str, ...],
) -> None:
    """Run kubectl with ARGUMENTS once for each cluster, for several at the same time.

    As `fleet exec`, with the kubectl in PATH, or else that of the newest bundle. What asks a
    question (`edit`, `exec --stdin`) is for one cluster: `fleet ctx --shell` opens a shell for it.
    """
    if clusters and selector:
        raise click.UsageError("--cluster and --selector cannot be combined")
    from scripts.fleet import command_run
    from scripts.fleet.each_cluster import EachCluster

    files = command_run.kubeconfigs(stack, clusters, selector)
    each = EachCluster([command_run.kubectl(), *arguments], parallel, seconds)
    raise SystemExit(command_run.run(files, each, output=output))
