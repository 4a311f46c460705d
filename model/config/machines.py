"""Machines and their drivers: container machines by number and size, existing hosts by name."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import Field

from model.config.addresses import Address, HostName, Port, Subnet
from model.config.field import ScalarField, between, one_of
from model.config.labels_and_taints import LabelValue, NodeLabelKey, TaintText
from model.config.ssh import HostKey, Ssh
from model.config.strict import Strict

UNITS = {"Mi": 2**20, "Gi": 2**30}


def parse_memory(text: str) -> int:
    """Return the bytes of a quantity such as "2Gi" or "2048Mi"."""
    return int(text[:-2]) * UNITS[text[-2:]]


def _acknowledgement(text: str) -> str:
    if not text.isprintable() or text.strip() != text or len(text) > 200:
        raise ValueError("not a reason")
    return text


Memory = Annotated[
    str,
    ScalarField(
        "a quantity of memory", "a whole number of Mi or Gi", "2Gi", pattern=r"[1-9]\d{0,6}[MG]i"
    ),
]
Cpus = Annotated[
    float,
    ScalarField(
        "a number of cores", "a number from 0.1 to 256", 2, (int, float), check=between(0.1, 256)
    ),
]
Count = Annotated[
    int,
    # Kubernetes is tested up to 5,000 Nodes: https://kubernetes.io/docs/setup/best-practices/cluster-large/
    ScalarField(
        "a number of machines", "a whole number from 0 to 5000", 3, (int,), check=between(0, 5000)
    ),
]
Acknowledgement = Annotated[
    str,
    ScalarField(
        "a reason",
        "one line of at most 200 characters: why the cluster's data may be lost",
        "OPS-123: the staging cluster is recreated",
        check=_acknowledgement,
    ),
]
SnapshotPath = Annotated[
    str,
    ScalarField(
        "an absolute path",
        "the absolute path of a file on the host that runs Pulumi",
        "/var/backups/cluster1.db",
        pattern=r"/[^\x00-\x1f]*",
    ),
]


class Host(Strict):
    """An existing host, enrolled as one machine."""

    address: HostName = Field(description="The host's SSH address.")
    host_key: HostKey = Field(description="The host's SSH host key (public).")
    node_address: Address | None = Field(
        None, description="The address within the cluster, if it differs from `address`."
    )
    port: Port | None = Field(None, description="The SSH port, if it differs from that in `ssh`.")


class ContainerSize(Strict):
    """The size of a container machine."""

    cpus: Cpus | None = Field(None, description="CPU cores of a container machine (default 2).")
    memory: Memory | None = Field(None, description="Memory of a container machine (default 2Gi).")


class ContainerMachines(ContainerSize):
    """Settings of the driver `container`: machines created on this host."""

    subnet: Subnet | None = Field(
        None,
        description="The subnet of the cluster's bridge; the gateway is its first address.",
        examples=["10.89.1.0/24"],
    )


class ExistingMachines(Strict):
    """Settings of the driver `existing`: hosts reached over SSH."""

    ssh: Ssh | None = Field(
        None, description="How to log in; clusters can override individual keys."
    )


class ExistingPool(Strict):
    """The hosts of one role with the driver `existing`."""

    hosts: list[Host] | None = Field(
        None, description="The hosts, one per machine; a control plane needs 2 cores and 1700 MB."
    )


@dataclass(frozen=True)
class DriverKeys:
    """The keys that belong to one driver, in `machines` and in `controlPlanes` or `workers`."""

    machines: type[Strict]
    pool: type[Strict]

    @property
    def names(self) -> frozenset[str]:
        """The keys as they are written in the config."""
        parts = (self.machines, self.pool)
        return frozenset(str(info.alias) for part in parts for info in part.model_fields.values())


# The machine drivers. A new driver adds its keys here, its machines in model/load.py and its
# resources in components/drivers.py.
DRIVERS = {
    "container": DriverKeys(ContainerMachines, ContainerSize),
    "existing": DriverKeys(ExistingMachines, ExistingPool),
}
DEFAULT_DRIVER = "container"


@cache
def foreign_keys(driver: str) -> frozenset[str]:
    """Return the keys that only other drivers have, in `machines` or in a pool."""
    return frozenset().union(*(keys.names for keys in DRIVERS.values())) - DRIVERS[driver].names


DriverName = Annotated[str, one_of("driver", DRIVERS, DEFAULT_DRIVER)]


class Machines(ContainerMachines, ExistingMachines):
    """Machine settings; the fleet's are defaults that a cluster can override."""

    driver: DriverName | None = Field(
        None,
        description="container: created on this host (default); existing: hosts reached over SSH.",
    )


class Pool(ContainerSize, ExistingPool):
    """The machines of one role."""

    count: Count | None = Field(None, description="The number of machines; optional with `hosts`.")
    labels: dict[NodeLabelKey, LabelValue] = Field(
        default_factory=dict,
        description="Labels of the machines' Nodes.",
        examples=[{"disk": "ssd"}],
    )
    taints: list[TaintText] | None = Field(
        None, description="Taints of the machines' Nodes; control planes have kubeadm's by default."
    )


class ControlPlanes(Pool):
    """The machines that run the API."""

    accept_data_loss: Acknowledgement = Field(
        "", description="Why a cluster may be recreated although it loses its data; empty: never."
    )
    restore: SnapshotPath | None = Field(
        None,
        description="An etcd snapshot (`etcdctl snapshot save`) on the host that runs Pulumi, to "
        "restore a cluster that lost its only control plane; newer changes are lost.",
    )
