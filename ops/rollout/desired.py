"""The desired state of every machine of a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ops.kube.node import ROLE_LABELS
from ops.rollout import documents

CONTROL_PLANE = "control-plane"


@dataclass(frozen=True)
class DesiredMachine:
    """One machine; `control` and `kubelet` are digests of its components' settings.

    `control` is empty for a worker. `labels` include those of its role; `taints` are written
    `key=value:Effect`.
    """

    name: str
    role: str
    address: str
    version: str
    labels: Mapping[str, str]
    taints: tuple[str, ...]
    control: str
    kubelet: str

    @property
    def is_control_plane(self) -> bool:
        """Whether it runs the API and etcd."""
        return self.role == CONTROL_PLANE


@dataclass(frozen=True)
class DesiredCluster:
    """All machines in index order, and their common settings."""

    name: str
    version: str
    cluster_document: str
    kubelet_document: str
    machines: tuple[DesiredMachine, ...]
    ids: Mapping[str, str]

    @classmethod
    def of(cls, props: Mapping[str, Any]) -> "DesiredCluster":
        """Read the rollout's inputs, in which the engine keeps no order."""
        control = documents.digest(props["cluster_document"])
        kubelet = documents.digest(props["kubelet_document"])
        machines = tuple(
            DesiredMachine(
                name=name,
                role=each["role"],
                address=each["address"],
                version=props["version"],
                labels={
                    **(ROLE_LABELS if each["role"] == CONTROL_PLANE else {}),
                    **each.get("labels", {}),
                },
                taints=tuple(each.get("taints", ())),
                control=control if each["role"] == CONTROL_PLANE else "",
                kubelet=kubelet,
            )
            for name, each in sorted(props["machines"].items(), key=_place)
        )
        return cls(
            props["cluster"],
            props["version"],
            props["cluster_document"],
            props["kubelet_document"],
            machines,
            props["machine_ids"],
        )

    @cached_property
    def by_name(self) -> Mapping[str, DesiredMachine]:
        """The machines by name."""
        return {each.name: each for each in self.machines}

    @property
    def control_planes(self) -> list[DesiredMachine]:
        """The machines that run the API."""
        return [each for each in self.machines if each.is_control_plane]

    @property
    def workers(self) -> list[DesiredMachine]:
        """The machines that run only workloads."""
        return [each for each in self.machines if not each.is_control_plane]


@dataclass(frozen=True)
class ClusterChange:
    """A cluster according to its previous inputs and its current ones."""

    before: DesiredCluster
    after: DesiredCluster

    @cached_property
    def control_keys(self) -> list[str]:
        """The changed settings of the control plane."""
        return documents.changed_keys(self.before.cluster_document, self.after.cluster_document)

    @cached_property
    def kubelet_keys(self) -> list[str]:
        """The changed settings of the kubelet."""
        return documents.changed_keys(self.before.kubelet_document, self.after.kubelet_document)


def _place(entry: tuple[str, Any]) -> tuple[str, int, str]:
    """Return a machine's sort key: its name ends with its index."""
    name, each = entry
    return each["role"], len(name), name
