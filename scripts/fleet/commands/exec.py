"""Run a command of this host for many clusters, each with its kubeconfig."""

import click

from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    EachClusterOptions,
    each_cluster_options,
    examples,
)

EXIT_STATUS = """

\b
Exit status:
  0    the command's exit status is 0 for every cluster
  1    it is not for at least one, which is listed at the end, or its time limit passed
  2    the clusters could not be read, or wrong usage
  130  interrupted with Ctrl-C; nothing of the command runs any more"""
EPILOG = (
    examples(
        "fleet exec -- helm list --all-namespaces",
        "fleet exec -s prod -l region=tokyo -- ./check.sh",
        "fleet exec -- sh -c 'kubectl get nodes -o name | wc -l'",
        "fleet exec -o json -- kubectl version -o json",
    )
    + EXIT_STATUS
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@each_cluster_options()
@click.argument("arguments", metavar="-- COMMAND...", nargs=-1, required=True)
def command(options: EachClusterOptions, arguments: tuple[str, ...]) -> None:
    """Run COMMAND on this host once for each cluster, for several at the same time.

    Each run has the cluster's kubeconfig in KUBECONFIG and its name in FLEET_CLUSTER, and nothing
    on its standard input. Every line that it prints is shown behind the cluster's name, on the
    stream that it was printed to. A failure for one cluster does not end the others. No shell
    interprets COMMAND: for pipes and variables, run `sh -c`.
    """
    from scripts.fleet import command_run

    raise SystemExit(command_run.run_each(options, arguments))
