"""A cluster, or one of its machines, as a tree: facts, conditions, recent events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from model.status.condition import Condition, grouped
from model.status.fleet import ClusterStatus, NodeStatus
from ops.kube.events import Event
from scripts.fleet.nodes import age
from scripts.fleet.status_table import CLUSTER_COLUMNS, WIDE_COLUMNS, one_line

UNKNOWN = "-"
# Heads of the table of clusters that the tree says elsewhere.
ELSEWHERE = ("CLUSTER", "NODES", "CONTROL-PLANES", "ADD-ONS", "ADD-ON-VERSIONS")


@dataclass
class Branch:
    """A line with the lines below it."""

    text: str
    below: list["Branch"] = field(default_factory=list)

    def lines(self, before: str = "") -> Iterator[str]:
        """Yield the lines, the first one without a mark."""
        yield one_line(self.text)
        for index, branch in enumerate(self.below):
            is_last = index == len(self.below) - 1
            inner = list(branch.lines())
            yield f"{before}{'└─' if is_last else '├─'} {inner[0]}"
            for line in inner[1:]:
                yield f"{before}{'   ' if is_last else '│  '}{line}"


def cluster_tree(cluster: ClusterStatus, events: Sequence[Event]) -> Branch:
    """Return a cluster with its facts, add-ons, Nodes, conditions and warnings."""
    facts = [
        Branch(f"{name.lower()}: {read(cluster)}")
        for name, read in (*CLUSTER_COLUMNS, *WIDE_COLUMNS)
        if name not in ELSEWHERE
    ]
    add_ons = [
        Branch(f"{each.name} {each.version}: {each.ready} of {each.desired} pods Ready")
        for each in cluster.add_ons
    ]
    nodes = [
        Branch(f"{_node(node)}", _conditions(_of_node(cluster, node.name)))
        for node in cluster.nodes
    ]
    own = [each for each in cluster.conditions if each.kind != "Node"]
    parts = (
        ("add-ons", add_ons),
        (f"nodes {cluster.nodes_ready or UNKNOWN}", nodes),
        ("conditions", _conditions(own)),
        ("exceptions from the security defaults", [*map(Branch, cluster.exceptions)]),
        ("rotations under way", [*map(Branch, cluster.rotations)]),
        ("warnings", _events(events)),
    )
    return Branch(
        f"cluster {cluster.name}", [*facts, *(Branch(*part) for part in parts if part[1])]
    )


def machine_tree(cluster: ClusterStatus, node: NodeStatus, events: Sequence[Event]) -> Branch:
    """Return a Node with its facts, conditions and events."""
    facts = (
        ("cluster", cluster.name),
        ("ready", "True" if node.ready else "False"),
        ("roles", ",".join(node.roles)),
        ("pool", node.pool),
        ("labels", ", ".join(f"{key}={value}" for key, value in sorted(node.labels.items()))),
        ("taints", ", ".join(node.taints)),
        ("addresses", ",".join(node.addresses)),
        ("kubelet", node.version),
        ("container runtime", node.runtime),
        ("kernel", node.kernel),
        ("operating system", node.os),
        ("age", _ago(node.created) if node.created else UNKNOWN),
    )
    parts = (
        ("conditions", _conditions(_of_node(cluster, node.name))),
        ("events", _events(events)),
    )
    return Branch(
        f"machine {node.name}",
        [
            *(Branch(f"{name}: {value or UNKNOWN}") for name, value in facts),
            *(Branch(*part) for part in parts if part[1]),
        ],
    )


def _of_node(cluster: ClusterStatus, name: str) -> list[Condition]:
    return [each for each in cluster.conditions if (each.kind, each.name) == ("Node", name)]


def _node(node: NodeStatus) -> str:
    ready = "Ready" if node.ready else "NotReady"
    return f"{node.name}: {ready}, {','.join(node.roles)}, {node.version or UNKNOWN}"


def _conditions(conditions: Sequence[Condition]) -> list[Branch]:
    return [
        Branch(
            f"{each.severity} {each.reason}"
            + (f" for {_ago(each.since)}" if each.since else "")
            + f": {each.message}"
        )
        for each in grouped(conditions)
    ]


def _events(events: Sequence[Event]) -> list[Branch]:
    return [
        Branch(
            f"{_ago(event.time)} ago, {event.reason}: {event.subject}: {event.message}"
            + (f" ({event.count} times)" if event.count > 1 else "")
        )
        for event in events
    ]


def _ago(time: datetime) -> str:
    return age((datetime.now(UTC) - time).total_seconds())
