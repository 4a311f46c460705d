"""Machines and their drivers: container machines by number and size, existing hosts by name."""

from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_LABEL, Address, HostName, Port, Subnet, label_hint
from model.config.field import ScalarField, between, one_of
from model.config.ssh import EXAMPLE_HOST_KEY, HostKey, Ssh
from model.config.strict import Atomic, Strict

UNITS = {"Mi": 2**20, "Gi": 2**30}


def parse_memory(text: str) -> int:
    """Return the bytes of a quantity such as "2Gi" or "2048Mi"."""
    return int(text[:-2]) * UNITS[text[-2:]]


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
HostLabel = Annotated[
    str,
    ScalarField(
        "the name of a host",
        "at most 61 of a-z, 0-9 and -, starting and ending with a letter or digit; "
        "the Node is <cluster>-<host>",
        "rack1-a",
        pattern=DNS_LABEL,
        hint=label_hint,
    ),
]
HOSTS_EXAMPLE = {"rack1-a": {"address": "10.0.1.11", "hostKey": EXAMPLE_HOST_KEY}}


class Host(Atomic):
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


class ContainerPool(ContainerSize):
    """The keys of a pool of container machines."""

    first_address: Address | None = Field(
        None,
        description="The address of the pool's first container machine; the others follow it "
        "(default: derived from the pool's name).",
        examples=["10.89.1.160"],
    )


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
    """The hosts of a pool with the driver `existing`."""

    hosts: dict[HostLabel, Host] | None = Field(
        None,
        description="The hosts by name, one per machine; a control plane needs 2 cores and "
        "1700 MB.",
        examples=[HOSTS_EXAMPLE],
    )


@dataclass(frozen=True)
class DriverKeys:
    """The keys that belong to one driver, in `machines` and in a pool."""

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
    "container": DriverKeys(ContainerMachines, ContainerPool),
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
