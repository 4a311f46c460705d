"""Write the kubeconfigs of the stack's clusters."""

from pathlib import Path

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = examples(
    "fleet kubeconfig                              ./kubeconfig and kubeconfigs/dev/",
    "fleet kubeconfig -s prod --replace            ./kubeconfig is prod's from now on",
    "fleet kubeconfig --merge                      into ~/.kube/config as well",
    "fleet kubeconfig --cluster cluster1 --merge   one cluster only",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("--cluster", "clusters", multiple=True, metavar="NAME", help="This cluster only.")
@click.option("--merge", is_flag=True, help="Merge the contexts into ~/.kube/config as well.")
@click.option("--replace", is_flag=True, help="Replace ./kubeconfig even if it is another's.")
def command(stack: str, clusters: tuple[str, ...], merge: bool, replace: bool) -> None:
    """Write ./kubeconfig and a file for each cluster, and show the nodes that they reach.

    ./kubeconfig belongs to one stack. Another stack's is left alone, and its contexts are in
    kubeconfigs/STACK/CLUSTER, one a file.

    Merged, a context is named CLUSTER-admin, or STACK-CLUSTER-admin where that name is taken. What
    is not of this stack stays; the former content is kept in ~/.kube/config.before-fleet.
    """
    from scripts.fleet import access, merged_kubeconfig
    from scripts.fleet.session import existing

    text = access.exported(existing(stack), clusters)
    files = access.write(text, stack, replace=replace)
    if merge:
        own = Path.home() / ".kube" / "config"
        names = merged_kubeconfig.merge_into(own, text, stack)
        click.echo(f"Merged into {own}: {', '.join(names)}.", err=True)
    access.show_access(files)
