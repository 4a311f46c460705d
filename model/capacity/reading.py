"""What is read of a cluster to judge its capacity."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model import scheduling
from model.capacity.resources import Amounts, total

# What identifies a pod or a workload in its cluster: namespace and name.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NodeReading:
    """A Node: `zone` and `pool` are empty if it has none."""

    name: str
    pool: str
    zone: str
    allocatable: Amounts
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    is_ready: bool = True
    is_cordoned: bool = False
    is_control_plane: bool = False

    @property
    def takes_pods(self) -> bool:
        """Whether the scheduler places pods on it at all: it is Ready and not cordoned."""
        return self.is_ready and not self.is_cordoned

    def admits(self, pod: "PodReading") -> bool:
        """Whether its taints and labels let the pod run on it."""
        return not scheduling.obstacle(pod.rules, self.name, self.labels, self.taints)


@dataclass(frozen=True, slots=True)
class PodReading:
    """A pod that has not ended; `node` is empty if it has none yet.

    `requests` also count the pod itself. `rules` are the parts of its spec that say which Nodes
    admit it. One that is `fixed` comes and goes with its Node: a DaemonSet's, or a static pod.
    """

    namespace: str
    name: str
    node: str
    workload: str
    requests: Amounts
    limits: Amounts
    without: tuple[str, ...] = ()
    fixed: bool = False
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Return what identifies it in its cluster."""
        return self.namespace, self.name


@dataclass(frozen=True, slots=True)
class Usage:
    """What Nodes and pods (by namespace and name) used of CPU and memory a moment ago.

    Without them, `reason` says why; that is no wonder while metrics-server `is_starting`.
    """

    nodes: Mapping[str, Amounts] = field(default_factory=dict)
    pods: Mapping[Key, Amounts] = field(default_factory=dict)
    reason: str = ""
    is_starting: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What pods used in the last `seconds`, as `source` says; pods that are gone are among them.

    By namespace and name, CPU and memory each. Without them, `reason` says why.
    """

    source: str
    seconds: int
    pods: Mapping[Key, Amounts] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClusterReading:
    """The Nodes and pods of a cluster; `history` is None if nobody wanted it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[NodeReading] = ()
    pods: Sequence[PodReading] = ()
    usage: Usage = field(default_factory=Usage)
    history: History | None = None

    @property
    def placed(self) -> list[PodReading]:
        """Return the pods that have a Node."""
        known = {node.name for node in self.nodes}
        return [pod for pod in self.pods if pod.node in known]

    @property
    def pending(self) -> list[PodReading]:
        """Return the pods that have no Node."""
        return [pod for pod in self.pods if not pod.node]


def requested(pods: Iterable[PodReading]) -> dict[str, int]:
    """Return what pods request together."""
    return total(pod.requests for pod in pods)
