"""Show the settings of a cluster and where each comes from, or describe a key of the config."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = (
    examples(
        "fleet explain cluster1                  all settings of a cluster of the stack dev",
        "fleet explain -s prod cluster1 kubelet  those of its kubelets",
        "fleet explain cluster1 workers.memory   one setting",
        "fleet explain -o json cluster1          for a program",
        "fleet explain --config kubelet.maxPods  what a key means, and what is allowed",
        "fleet explain --config                  all keys of a stack's config",
    )
    + """

\b
Exit status:
  0  success
  1  the stack's file is invalid, or has no such cluster, setting or key
  2  wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("--config", "of_config", is_flag=True, help="Describe the key KEY, or list all keys.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "wide", "json", "yaml"]),
    default="table",
    show_default=True,
    help="Format; wide has config paths; docs/settings.schema.json describes the fields.",
)
@click.argument("cluster", metavar="CLUSTER|KEY", default="")
@click.argument("setting", default="")
def command(stack: str, of_config: bool, output: str, cluster: str, setting: str) -> None:
    """Show the settings of CLUSTER, or SETTING and those below it, and where each comes from.

    FROM is what sets the value: the cluster, one of its pools or machines, an override with its
    selector, or the fleet; `default` is a value that none of them sets. WHERE is its line in the
    stack's file. `-` is no value. Keys of drivers that the cluster does not use are omitted.

    The settings are those of the stack's file; `fleet preview` shows which of them `fleet up` would
    apply.

    With --config, KEY is described as docs/config.md does: where it can be set, what is allowed,
    its default, and an example.
    """
    if of_config:
        from scripts.fleet import config_keys

        if setting or output != "table":
            raise click.UsageError("--config takes one KEY, and no output format")
        click.echo(config_keys.describe(cluster) if cluster else config_keys.listed(), nl=False)
        return
    if not cluster:
        raise click.UsageError("name a CLUSTER, or use --config")
    from ops.pulumi.workspace import open_workspace
    from scripts.fleet import explanation
    from scripts.fleet.report import print_document

    file = open_workspace(stack).tracked_config
    found = explanation.explain(file, explanation.clusters_of(file), cluster, setting)
    if output in ("json", "yaml"):
        print_document(found, output)
    else:
        click.echo(explanation.table(found, wide=output == "wide"), nl=False)
