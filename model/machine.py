"""A machine of a cluster as it should be: its role, how it is reached or made, and its Node."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.well_known import CONTROL_PLANE_LABEL

CONTROL_PLANE = "control-plane"
WORKER = "worker"


@dataclass(frozen=True)
class ContainerSettings:
    """A container machine: `address_cidr` ("10.89.1.11/24"), cores, memory in bytes."""

    address_cidr: str
    gateway: str
    cpus: float
    memory_bytes: int


@dataclass(frozen=True)
class Bastion:
    """An SSH jump host; `host_key` None accepts any."""

    host: str
    port: int
    user: str
    host_key: str | None


@dataclass(frozen=True)
class ExistingSettings:
    """An existing host; `host_key` None accepts any.

    `private_key_name` and `sudo_password_name` (None where sudo asks none) name config secrets.
    """

    host: str
    port: int
    user: str
    sudo: bool
    sudo_password_name: str | None
    private_key_name: str
    agent: bool
    host_key: str | None
    bastion: Bastion | None


@dataclass(frozen=True)
class Taint:
    """A Node taint: `effect` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str

    @classmethod
    def parse(cls, text: str) -> "Taint":
        """Parse a taint of the form "key=value:effect" or "key:effect"."""
        head, _, effect = text.rpartition(":")
        key, _, value = head.partition("=")
        return cls(key, value, effect)

    def __str__(self) -> str:
        return (
            f"{self.key}={self.value}:{self.effect}" if self.value else f"{self.key}:{self.effect}"
        )


# kubeadm's default, which a cluster's config can override.
CONTROL_PLANE_TAINT = Taint(CONTROL_PLANE_LABEL, "", "NoSchedule")


@dataclass(frozen=True)
class Machine:
    """A machine, which becomes a Node; `address` is its address within the cluster.

    `name` is what it is: with the same name, it is the same machine. A worker is in a `pool`,
    control planes are in none (""). `labels` and `taints` are those of the config, the label of the
    pool and the control plane's own taint; others, set by a kubelet or a controller, are not
    managed. `kubelet` are fields of KubeletConfiguration that override the cluster's.
    """

    name: str
    cluster: str
    role: str
    pool: str
    address: str
    settings: ContainerSettings | ExistingSettings
    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    kubelet: Mapping[str, Any]
