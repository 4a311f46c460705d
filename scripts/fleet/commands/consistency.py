"""Compare clusters with their config, with each other, and their nodes."""

import click

from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    View,
    examples,
    stack_argument,
    view_options,
)

EPILOG = (
    examples(
        "fleet consistency                     the stack dev",
        "fleet consistency prod -l env=prod    the clusters with this label",
        "fleet consistency --all -o wide       every item, a column for each cluster",
        "fleet consistency --kubeconfig FILE   every context of a kubeconfig",
    )
    + """

\b
Exit status:
  0  everything was read, and nothing differs
  1  something differs
  2  nothing differs that was read, but not everything was: a cluster or a Node did not answer, or
     the stack or the kubeconfig could not be read; wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option("--all", "every", is_flag=True, help="Also show items in which nothing differs.")
@view_options("docs/consistency.schema.json")
def command(stack: str, view: View, every: bool) -> None:
    """Show a row for each item that differs: in which cluster, from what, and how many agree.

    Each cluster is compared with its config (!), then with the other clusters (*), and its nodes
    with each other. What two configs declare differently is no difference; nor are a cluster's own
    names, addresses, networks and certificates. Of what no config declares, clusters with the same
    Kubernetes version are compared. Where most agree on nothing, as of two clusters, all are shown
    (~).

    Items are versions, the flags of the control plane's components, each kubelet's settings,
    kube-proxy, CoreDNS, add-ons, RBAC, admission, Pod Security, network policies of system
    namespaces, and what machines report: files, programs, units, kernel settings. An
    object is shown by a digest of its fields: `fleet diff A B` shows these.

    Clusters that are alike in what is shown share a column, with -o wide they do not. What was not
    read within the time-out is listed with the reason; a machine that has just joined and has not
    reported yet counts as read.
    """
    from scripts.fleet import consistency, watching

    def show() -> int:
        return consistency.show(stack, view, every=every)

    raise SystemExit(watching.repeat(show, again=view.watch))
