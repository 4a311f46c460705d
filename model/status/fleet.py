"""The document of `fleet status`: what is known of each cluster, and when that was."""

from datetime import datetime
from typing import Literal

from pydantic import Field, computed_field

from model.report import ReportEntry
from model.status.condition import Condition, Ready, Severity


class NodeStatus(ReportEntry):
    """A Node."""

    name: str = Field(description="Its name.")
    roles: list[str] = Field(description="Its roles, such as control-plane.")
    pool: str = Field("", description="Its pool in the config.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Its labels, without those that every kubelet sets."
    )
    taints: list[str] = Field(
        default_factory=list, description="Its taints, such as key=value:NoSchedule."
    )
    ready: bool = Field(description="Whether its condition Ready is True.")
    cordoned: bool = Field(False, description="Whether no new pods are scheduled on it.")
    version: str = Field("", description="Its kubelet's version.")
    runtime: str = Field("", description="Its container runtime and version.")
    kernel: str = Field("", description="Its kernel's version.")
    os: str = Field("", description="Its operating system.")
    addresses: list[str] = Field(default_factory=list, description="Its internal IP addresses.")
    created: datetime | None = Field(None, description="Since when the Node exists.")


class Count(ReportEntry):
    """How many there are, and how many of them are ready."""

    ready: int = Field(description="How many are ready.")
    total: int = Field(description="How many there are.")

    def __str__(self) -> str:
        return f"{self.ready}/{self.total}"


class Etcd(ReportEntry):
    """The members of a cluster's etcd that answered."""

    members: int = Field(description="How many members answered.")
    leader: str = Field(description="The leader's address; empty: there is none.")
    size_bytes: int = Field(description="Size of the largest database.")
    quota_bytes: int = Field(description="At this size etcd accepts no more writes; 0: unknown.")
    alarms: list[str] = Field(description="Alarms that are raised.")


class AddOn(ReportEntry):
    """An add-on of a cluster."""

    name: str = Field(description="Its name.")
    ready: int = Field(description="How many of its pods are ready.")
    desired: int = Field(description="How many there should be.")
    version: str = Field(description="The tag of its image.")
    created: datetime | None = Field(None, description="Since when it exists.")

    @property
    def is_ready(self) -> bool:
        """Whether all of its pods are ready."""
        return self.ready >= self.desired


class Certificate(ReportEntry):
    """A certificate."""

    subject: str = Field(description="What it is for.")
    expires: datetime = Field(description="When it expires.")


class ClusterStatus(ReportEntry):
    """What is known of a cluster; null or empty: unknown."""

    name: str = Field(description="The cluster; of a kubeconfig, the context.")
    labels: dict[str, str] = Field(default_factory=dict, description="Its labels in the config.")
    server: str = Field("", description="URL of its API.")
    reachable: bool = Field(description="Whether its API answered.")
    as_of: datetime | None = Field(None, description="When this was read; null: never.")
    version: str = Field("", description="The version of the API server that answered.")
    kubelet_versions: list[str] = Field(default_factory=list, description="Those of its Nodes.")
    nodes_ready: Count | None = Field(None, description="Its Nodes.")
    control_planes: Count | None = Field(None, description="Its control planes' Nodes.")
    etcd: Etcd | None = Field(None, description="Its etcd.")
    add_ons: list[AddOn] = Field(default_factory=list, description="Its add-ons.")
    network: Ready = Field(Ready.UNKNOWN, description="Whether pods of all Nodes reach each other.")
    certificate: Certificate | None = Field(
        None, description="Of the API's and those that machines report, the one that expires first."
    )
    last_backup: datetime | None = Field(None, description="When etcd was last saved.")
    last_change: datetime | None = Field(
        None, description="When this program last wrote an object that `fleet status` reads."
    )
    nodes: list[NodeStatus] = Field(default_factory=list, description="Its Nodes.")
    conditions: list[Condition] = Field(default_factory=list, description="What is wrong.")
    exceptions: list[str] = Field(
        default_factory=list, description="Security settings that are weaker than their defaults."
    )
    rotations: list[str] = Field(default_factory=list, description="Rotations under way.")

    @computed_field(description="Whether it has no condition that is an Error.")  # type: ignore[prop-decorator]
    @property
    def ready(self) -> Ready:
        """Whether the cluster works: True with warnings, Unknown if it did not answer."""
        if not self.reachable:
            return Ready.UNKNOWN
        return Ready.FALSE if self._has(Severity.ERROR) else Ready.TRUE

    def _has(self, severity: Severity) -> bool:
        return any(each.severity is severity for each in self.conditions)


class FleetStatus(ReportEntry):
    """The clusters that were asked, and what is wrong."""

    version: Literal["v1"] = Field("v1", description="Version of this document's format.")
    time: datetime = Field(description="When the clusters were asked.")
    clusters: list[ClusterStatus] = Field(description="A cluster each, in the order asked.")
    conditions: list[Condition] = Field(
        default_factory=list, description="Conditions that concern no cluster that was asked."
    )
    revoked: list[str] = Field(
        default_factory=list, description="People whose access was revoked, still in the file."
    )

    @property
    def all_conditions(self) -> list[Condition]:
        """Return the conditions of all clusters and those of none."""
        of_clusters = [each for cluster in self.clusters for each in cluster.conditions]
        return [*self.conditions, *of_clusters]

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing to do."""
        return not any(each.is_problem for each in self.all_conditions)
