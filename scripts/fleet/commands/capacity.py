"""Show what is requested and used, and what remains if nodes are lost."""

from typing import Any

import click

from scripts.fleet.duration import Duration
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    View,
    examples,
    stack_argument,
    view_options,
)

LEAST_SECONDS, DEFAULT_SECONDS, MOST_SECONDS = 3600, 7 * 86400, 366 * 86400
EPILOG = (
    examples(
        "fleet capacity                       the clusters of the stack dev",
        "fleet capacity prod --by node        each node of another stack",
        "fleet capacity --workloads           also each workload, with its findings",
        "fleet capacity --disks               also how full disks are",
        "fleet capacity --kubeconfig FILE     every context of a kubeconfig",
        "fleet capacity --usage-from monitoring/prometheus:9090 --over 14d",
    )
    + """

\b
Exit status:
  0  every cluster answered
  1  a cluster did not answer
  2  the stack or the kubeconfig could not be read, or wrong usage"""
)


def _source(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Any:
    """Return the Prometheus that is named; reject anything else."""
    from ops.kube.prometheus import Source

    try:
        return None if text is None else Source.parse(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}: a service that every cluster has") from None


def _span(_context: click.Context, _parameter: click.Parameter, seconds: int | None) -> int | None:
    """Reject times that make no sense."""
    if seconds is not None and not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise click.BadParameter("at least 1h, and at most 366d")
    return seconds


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
@click.option(
    "--usage-from",
    "source",
    metavar="NAMESPACE/SERVICE:PORT",
    callback=_source,
    help="Judge workloads by a longer time, as this Prometheus of each cluster has it.",
)
@click.option(
    "--over",
    type=Duration(),
    metavar="DURATION",
    callback=_span,
    help="With --usage-from: which time, such as 24h or 14d.  [default: 7d]",
)
@view_options("docs/capacity.schema.json")
def command(
    stack: str,
    view: View,
    by: str,
    pods: bool,
    workloads: bool,
    disks: bool,
    reserve: float,
    source: Any,
    over: int | None,
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
    That is a momentary value: look at a longer time, with --usage-from, before you change requests.

    With --usage-from NAMESPACE/SERVICE:PORT (https:SERVICE:PORT for TLS, and a path after the port
    if it has one), two queries are made to that service of each cluster through its API server,
    which takes the right to get services/proxy. It has the kubelets' metrics of containers, of
    whose labels namespace, pod and container matter. Of each pod, the 95th percentile of CPU counts
    (it may be throttled for a moment), and the maximum of memory (what exceeds it once is killed),
    as far as the Prometheus goes back. A workload uses what its busiest pod used, times its pods:
    all have the same requests. Pods that are gone count as well; their names say of which workload
    they were. To say how many nodes are enough, a node uses what the pods did that run on it, and
    not less than now. Rows of resources stay momentary. A cluster whose Prometheus does not answer
    in four fifths of --timeout is named below, and judged by what is used now.
    """
    from scripts.fleet import capacity_command, watching
    from scripts.fleet.capacity_command import Shown
    from scripts.fleet.fleet_capacity import Over

    if over and source is None:
        raise click.UsageError("--over needs --usage-from: the time is that of its metrics")
    time = Over(source, over or DEFAULT_SECONDS) if source else None
    disks = disks or pods or by == "node"
    shown = Shown("pod" if pods else by, pods, workloads, disks, reserve, time)

    def show() -> int:
        return capacity_command.show(stack, view, shown)

    raise SystemExit(watching.repeat(show, again=view.watch))
