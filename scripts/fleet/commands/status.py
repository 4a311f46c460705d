"""Show clusters, their conditions, and nodes."""

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
        "fleet status                     the stack dev",
        "fleet status prod -o wide        another stack, with its nodes",
        "fleet status -l region=tokyo     the clusters with this label",
        "fleet status --kubeconfig FILE   every context of a kubeconfig",
    )
    + """

\b
Exit status:
  0  every cluster is healthy, and the machines are those of the file
  1  there is a condition that is an Error or a Warning: a cluster that did not answer is one
  2  the stack or the kubeconfig could not be read, or wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option("--nodes", is_flag=True, help="Also show the nodes, as -o wide does.")
@view_options("docs/status.schema.json")
def command(stack: str, view: View, nodes: bool) -> None:
    """Show a row for each cluster, then what is wrong, worst first, since when, and what to do.

    All clusters are asked at the same time. One that does not answer within the time-out is a
    condition, and its row shows what it last said here and how long ago that was (READ).

    ETCD has the number of members that answered and the size of the largest database, ADD-ONS how
    many work, NETWORK whether pods of all nodes reach each other, CERTIFICATE how long the one that
    expires first is still valid, BACKUP when etcd was last saved, CHANGE when a run last wrote an
    object of the cluster. A dash is unknown.

    What is less than two minutes old and does not work yet is Starting, which is no problem:
    add-ons, metrics-server's API, reports of machines.

    Nodes without a machine in the stack's file, and machines without a Node, are conditions, too.
    Rotations of CAs and keys that have begun are listed with the command that continues them, and
    so are people whose access was revoked and who are still in the stack's file, and security
    settings that are weaker than their defaults, with what that means.

    Objects that a run applied and somebody edited or deleted are conditions with the field, who
    wrote it and since when, and what repairs it. A kubeconfig does not say what is declared.

    With --kubeconfig, clusters that this program did not make can be read. Client certificates,
    tokens, files of both, exec plugins without a terminal, tls-server-name and HTTP proxies are
    supported; auth-provider, passwords, impersonation and SOCKS proxies are not.
    """
    from scripts.fleet import status_command, watching

    def show() -> int:
        return status_command.show(stack, view, nodes=nodes)

    raise SystemExit(watching.repeat(show, again=view.watch))
