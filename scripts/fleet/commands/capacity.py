"""Show what is requested and used, and what remains if nodes are lost."""

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
        "fleet capacity                       the clusters of the stack dev",
        "fleet capacity prod --by node        each node of another stack",
        "fleet capacity --workloads           also each workload, with its findings",
        "fleet capacity --disks               also how full disks are",
        "fleet capacity --kubeconfig FILE     every context of a kubeconfig",
    )
    + """

\b
Exit status:
  0  every cluster answered
  1  a cluster did not answer
  2  the stack or the kubeconfig could not be read, or wrong usage"""
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_argument()
@click.option(
    "--by",
    type=click.Choice(["fleet", "cluster", "pool", "node"]),
    default="cluster",
    show_default=True,
    help="What has a row in the table.",
)
@click.option("--pods", is_flag=True, help="Also a row for each pod, below its node.")
@click.option("--workloads", is_flag=True, help="Also a row for each workload.")
@click.option(
    "--disks",
    is_flag=True,
    help="Also how full disks are: asks every kubelet, as --by node and --pods do.",
)
@click.option(
    "--reserve",
    type=click.FloatRange(0, 100, max_open=True),
    default=20.0,
    show_default=True,
    metavar="PERCENT",
    help="How much of each node is to remain free, to say how many nodes are enough.",
)
@view_options("docs/capacity.schema.json")
def command(
    stack: str, view: View, by: str, pods: bool, workloads: bool, disks: bool, reserve: float
) -> None:
    """Show requests, limits and usage of pods, and their shares of what nodes can allocate.

    The columns are those of kube-capacity. What a pod requests is counted as the scheduler does:
    sidecars, init containers and overhead included. Pods that have ended do not count, and neither
    do those without a node, which are named below. NODES says how many take new pods, of how many.
    What is used (UTIL) is what metrics.k8s.io says, the average of a few seconds; it is a dash
    where nothing serves that.

    With --by node, --pods or --disks, each kubelet is asked how full its file systems are: NODEFS
    has logs and emptyDir volumes, IMAGEFS images, and they may be one. Used is what is not
    available, as kubelets count for eviction. FULLEST DISK is the fullest one of a single node.
    Machines that share a disk each count all of it. That takes the right to get nodes/proxy, and a
    request for each node: it is a dash, and named below, of those that have not answered in four
    fifths of --timeout.

    The second table has each cluster without its largest node, and without each of its zones: what
    would be requested of what is left, how many pods would have to move, and whether they find a
    node. The largest node is that with the most allocatable of those with pods that would move.
    Pods are placed on the first node with room, the largest ones first. Requests of all resources,
    taints, nodeSelector and required node affinity are heeded. What is not known: affinity between
    pods, topology spread, volumes that are bound to a node or a zone, host ports, priorities and
    disruption budgets. "yes" is a placement that exists but for these; "no" may be one that was not
    found. Quotas, autoscalers and pods that come later are not considered.

    The third table has pools for which another number of nodes is enough: fewer, or "more" if the
    reserve is not there even now. It is the number on which all pods of the pool find a node, by
    what they request and what was used in total, with --reserve percent of each node left free.
    Pools of control planes are not judged.

    Workloads are over-requested if they use less than half of what they request, and
    under-requested if they use more, and it is a difference of at least 100m CPU or 128Mi memory.
    That is a momentary value: look at a longer time before you change requests.
    """
    from scripts.fleet import capacity_command, watching
    from scripts.fleet.capacity_command import Shown

    disks = disks or pods or by == "node"
    shown = Shown("pod" if pods else by, pods, workloads, disks, reserve)

    def show() -> int:
        return capacity_command.show(stack, view, shown)

    raise SystemExit(watching.repeat(show, again=view.watch))
