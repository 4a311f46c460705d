"""`fleet describe`: one cluster or machine, and its recent events."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from model.status.description import Description, RecentEvent
from model.status.fleet import ClusterStatus, FleetStatus, NodeStatus
from ops import fan_out
from ops.errors import OperatorError
from ops.kube import events
from ops.kube.events import Event
from scripts.fleet import status_command
from scripts.fleet.describe_tree import cluster_tree, machine_tree
from scripts.fleet.options import View
from scripts.fleet.report import print_document
from scripts.fleet.targets import Target

UNHEALTHY = 1
EVENTS = 10


def show(stack: str, name: str, view: View) -> int:
    """Print the tree of a cluster or machine with this name; return the exit status."""
    # A machine may be in any cluster: all are asked, as the time-out bounds them together.
    status, targets = status_command.read(stack, view)
    cluster, node = _find(status, name)
    (target,) = (each for each in targets if each.name == cluster.name)
    found = _events(target, node, view.seconds) if cluster.reachable else []
    if node is None:
        tree, concerned = cluster_tree(cluster, found), cluster.conditions
    else:
        tree = machine_tree(cluster, node, found)
        concerned = [each for each in cluster.conditions if each.name == node.name]
    if view.output == "tree":
        for line in tree.lines():
            click.echo(line)
    else:
        document = Description(
            cluster=cluster.name,
            status=cluster if node is None else None,
            node=node,
            conditions=concerned,
            events=[RecentEvent(**asdict(each)) for each in found],
        )
        print_document(document, view.output)
    return UNHEALTHY if any(each.is_problem for each in concerned) else 0


def _find(status: FleetStatus, name: str) -> tuple[ClusterStatus, NodeStatus | None]:
    clusters = {cluster.name: cluster for cluster in status.clusters}
    if name in clusters:
        return clusters[name], None
    found = [
        (cluster, node)
        for cluster in status.clusters
        for node in cluster.nodes
        if node.name == name
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(cluster.name for cluster, _ in found)
        raise OperatorError(f"{name} is a Node of {names}: name the cluster with --cluster")
    silent = [cluster.name for cluster in status.clusters if not cluster.reachable]
    unknown = (
        f"; not all is known, since these do not answer: {', '.join(silent)}" if silent else ""
    )
    raise OperatorError(
        f"no cluster and no Node is named {name}; the clusters: {', '.join(clusters)}{unknown}"
    )


def _events(target: Target, node: NodeStatus | None, seconds: float) -> Sequence[Event]:
    """Return the newest events; none if they cannot be read in time."""

    def read(asked: Target) -> list[Event]:
        return events.newest(asked.client(seconds), EVENTS, node=node.name if node else "")

    (answer,) = fan_out.ask([target], read, seconds)
    if answer.value is None:
        click.echo(f"fleet: the events of {target.name} cannot be read: {answer.error}", err=True)
    return answer.value or []
