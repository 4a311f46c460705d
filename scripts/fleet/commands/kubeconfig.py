"""Write the kubeconfigs of the stack's clusters."""

from pathlib import Path

import click

from model.selectors import LabelSelector
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    check_selection,
    cluster_option,
    examples,
    selector_option,
    stack_argument,
)

EPILOG = examples(
    "fleet kubeconfig                              write ./kubeconfig and kubeconfigs/dev/",
    "fleet kubeconfig prod --replace               make ./kubeconfig the one of prod",
    "fleet kubeconfig --merge                      merge into ~/.kube/config as well",
    "fleet kubeconfig --cluster cluster1 --merge   merge one cluster only",
    "fleet kubeconfig -l environment=prod --merge  merge the clusters with this label",
    "fleet kubeconfig --user alice                 write kubeconfig-alice for alice",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@cluster_option()
@selector_option()
@click.option("--merge", is_flag=True, help="Merge the contexts into ~/.kube/config as well.")
@click.option("--replace", is_flag=True, help="Replace the ./kubeconfig of another stack.")
@click.option(
    "--user", metavar="NAME", help="Issue the kubeconfig of this person, and write no other."
)
def command(
    stack: str,
    clusters: tuple[str, ...],
    selector: LabelSelector | None,
    merge: bool,
    replace: bool,
    user: str | None,
) -> None:
    """Write ./kubeconfig and one kubeconfig for each cluster, then show the clusters' nodes.

    Their certificates are issued now and valid as long as `certificates.admin` says in the config.

    ./kubeconfig belongs to one stack; the one of another stack is only replaced with --replace.
    --cluster and --selector limit its contexts and those that are merged; the file
    kubeconfigs/STACK/CLUSTER of each cluster is always written.

    A merged context is named CLUSTER-admin, or STACK-CLUSTER-admin if that name is in use. Entries
    of other programs and stacks are not changed. The previous ~/.kube/config is kept as
    ~/.kube/config.before-fleet.

    With --user, ./kubeconfig-NAME gets a context CLUSTER-NAME for each cluster that this person has
    access to as of the last `fleet up`, with a certificate that is issued now.
    """
    from scripts.fleet import access, home_kubeconfig, kubeconfig
    from scripts.fleet.engine_run import existing_engine

    check_selection(clusters, selector)
    if user and (clusters or selector or merge or replace):
        raise click.UsageError("--user cannot be combined with other options")
    engine = existing_engine(stack)
    if user:
        path = access.write_user(engine, user)
        text = path.read_text(encoding="utf-8")
        click.echo(
            f"Valid{kubeconfig.validity([text], f'fleet kubeconfig --user {user}')}.", err=True
        )
        click.echo(path)
        return
    names = access.matching_clusters(engine, selector) if selector else clusters
    text = access.fresh_kubeconfig(engine)
    files = access.write(text, stack, names, replace=replace)
    if merge:
        own = Path.home() / ".kube" / "config"
        merged = home_kubeconfig.merge_into(own, access.select(text, stack, names), stack)
        until = kubeconfig.validity([text], "fleet kubeconfig --merge")
        click.echo(f"Merged into {own}{until}: {', '.join(merged)}.", err=True)
    access.show_access(files)
