"""The document of `fleet capacity`."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from model.report import ReportEntry
from model.status.condition import Condition


class Amount(ReportEntry):
    """Amounts of resources."""

    cpu_millicores: int = Field(description="CPU, in thousandths of a core.")
    memory_bytes: int = Field(description="Memory.")
    ephemeral_storage_bytes: int = Field(description="Disk for logs, images' layers, emptyDir.")
    pods: int = Field(description="Pods; of limits, 0.")
    other: dict[str, int] = Field(description="Further resources by name, such as devices.")


class Used(ReportEntry):
    """What was used a moment ago, as metrics.k8s.io has it."""

    cpu_millicores: int = Field(description="CPU, in thousandths of a core.")
    memory_bytes: int = Field(description="Memory that cannot be reclaimed (working set).")


class FileSystem(ReportEntry):
    """A file system of each of some Nodes, together."""

    capacity_bytes: int = Field(description="Its size.")
    used_bytes: int = Field(
        description="What is not available to pods: the rest is what a kubelet compares with its "
        "thresholds of eviction, such as imagefs.available<15%."
    )
    fullest_percent: float = Field(description="How much is used where the most is, of one Node.")


class Disks(ReportEntry):
    """The file systems of kubelets: of the Nodes whose kubelets answered."""

    nodefs: FileSystem | None = Field(
        description="That of /var/lib/kubelet: logs, emptyDir; null: it is not known."
    )
    imagefs: FileSystem | None = Field(
        description="That of images, which may be the same one; null: it is not known."
    )


class Figures(ReportEntry):
    """The resources of some Nodes, and what their pods request."""

    nodes: int = Field(description="How many Nodes.")
    nodes_taking_pods: int = Field(description="Those that are Ready and not cordoned.")
    allocatable: Amount = Field(description="What pods can have, of all Nodes.")
    requests: Amount = Field(description="What the pods on them request.")
    limits: Amount = Field(description="The limits of the pods on them: none adds nothing.")
    used: Used | None = Field(description="Of the Nodes of which it is known; null: of none.")
    disks: Disks | None = Field(
        None, description="With --disks or rows of Nodes; null: no kubelet was asked, or answered."
    )


class PodCapacity(ReportEntry):
    """A pod that has not ended."""

    namespace: str = Field(description="Its namespace.")
    name: str = Field(description="Its name.")
    requests: Amount = Field(description="What it requests.")
    limits: Amount = Field(description="Its limits.")
    used: Used | None = Field(description="Null if it is not known.")


class NodeCapacity(ReportEntry):
    """A Node."""

    name: str = Field(description="Its name.")
    pool: str = Field(description="Its pool; empty: none.")
    zone: str = Field(description="Its zone; empty: none.")
    ready: bool = Field(description="Whether its condition Ready is True.")
    cordoned: bool = Field(description="Whether no new pods are scheduled on it.")
    figures: Figures = Field(description="Its resources.")
    pods: list[PodCapacity] = Field(description="Its pods; only with --pods.")


class PoolCapacity(ReportEntry):
    """The Nodes of a pool, and how many are enough."""

    name: str = Field(description="Its name; empty: Nodes without a pool.")
    figures: Figures = Field(description="Its resources.")
    has_control_planes: bool = Field(description="Whether control planes are among its Nodes.")
    enough: int | None = Field(
        description="How many of its Nodes are enough with the reserve; null if not even all keep "
        "it, and of control planes."
    )
    limited_by: list[str] = Field(description="What one Node fewer would lack.")


class LossCapacity(ReportEntry):
    """What remains without a Node or a zone."""

    kind: Literal["Node", "zone"] = Field(description="What is lost.")
    name: str = Field(description="Its name.")
    nodes: int = Field(description="How many Nodes are lost.")
    fits: bool = Field(description="Whether all pods find room on what is left.")
    allocatable: Amount = Field(description="Of the Nodes that are left and take pods.")
    requests: Amount = Field(description="Of their pods and those that have to move.")
    moved_pods: int = Field(description="How many pods have to move.")
    lacking: list[str] = Field(description="Resources of which too little is free in total.")
    unplaced_pods: list[str] = Field(description="Pods for which first fit found no Node.")


class WorkloadCapacity(ReportEntry):
    """The pods of a controller, or a pod without one."""

    namespace: str = Field(description="Its namespace.")
    name: str = Field(description="Its kind and name.")
    pods: int = Field(description="How many pods, those without a Node included.")
    requests: Amount = Field(description="What they request.")
    limits: Amount = Field(description="Their limits.")
    used: Used | None = Field(description="Of the pods of which it is known; null: of none.")
    over_time: bool = Field(
        description="Whether used is that of usageOver: of the pod that used the most in that "
        "time, one that is gone included, times its pods. Otherwise it is that of a moment ago."
    )
    findings: dict[str, Literal["none", "over", "under"]] = Field(
        description="By resource (cpu, memory). none: a container requests nothing; over: much "
        "less is used than requested; under: more is used than requested."
    )


class ClusterCapacity(ReportEntry):
    """A cluster; if it did not answer, without anything else."""

    name: str = Field(description="The cluster; of a kubeconfig, the context.")
    labels: dict[str, str] = Field(description="Its labels in the config.")
    reachable: bool = Field(description="Whether its API answered.")
    usage_unknown: str = Field(description="Why it is not known what is used; empty: it is known.")
    history_unknown: str = Field(
        "", description="Why it is not known what was used over usageOver; empty: it is known."
    )
    figures: Figures = Field(description="Its resources.")
    pending_pods: int = Field(description="Pods without a Node; their requests are not counted.")
    pools: list[PoolCapacity] = Field(description="Its pools.")
    nodes: list[NodeCapacity] = Field(description="Its Nodes.")
    losses: list[LossCapacity] = Field(description="Its largest Node, and each of its zones.")
    workloads: list[WorkloadCapacity] = Field(description="Its workloads.")
    conditions: list[Condition] = Field(description="What could not be read, and pending pods.")


class UsageOver(ReportEntry):
    """By what of a longer time workloads and the number of Nodes are judged."""

    source: str = Field(description="The Prometheus of each cluster: its namespace and service.")
    seconds: int = Field(description="The time until now.")
    cpu_quantile: float = Field(description="Which quantile of the CPU of each pod.")
    memory_quantile: float = Field(description="Of its memory: 1 is the maximum.")


class CapacityReport(ReportEntry):
    """The capacity of a fleet."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    time: datetime = Field(description="When the clusters were asked.")
    reserve_percent: float = Field(description="What remains free of each Node that is kept.")
    usage_over: UsageOver | None = Field(description="Null: by what is used at the moment.")
    figures: Figures = Field(description="The resources of all clusters that answered.")
    clusters: list[ClusterCapacity] = Field(description="A cluster each, in the order asked.")

    @property
    def all_conditions(self) -> list[Condition]:
        """Return the conditions of all clusters."""
        return [each for cluster in self.clusters for each in cluster.conditions]

    @property
    def is_complete(self) -> bool:
        """Whether every cluster answered."""
        return all(cluster.reachable for cluster in self.clusters)
