"""Show the settings of a cluster and where each comes from."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = examples(
    "fleet explain cluster1                  all settings of a cluster of the stack dev",
    "fleet explain -s prod cluster1 kubelet  those of its kubelets",
    "fleet explain cluster1 workers.memory   one setting",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.argument("cluster")
@click.argument("setting", default="")
def command(stack: str, cluster: str, setting: str) -> None:
    """Show the settings of CLUSTER, or SETTING and those below it, and where each comes from.

    FROM is the path of the value in the stack's file: the cluster's own, or the one of the fleet
    that the cluster inherits. `default` is a value that neither sets, `-` no value. Keys of drivers
    that the cluster does not use are omitted.

    The settings are those of the stack's file; `fleet preview` shows which of them `fleet up` would
    apply.
    """
    from ops.pulumi.workspace import open_workspace
    from scripts.fleet.explanation import clusters_of, explain

    clusters = clusters_of(open_workspace(stack).tracked_config)
    click.echo(explain(clusters, cluster, setting), nl=False)
