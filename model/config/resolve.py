"""One cluster of the config with its defaults and inheritance applied.

A cluster's machine settings override the fleet's, key by key; in the fleet's defaults, keys of a
driver that the cluster does not use have no effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address

from model.config.errors import Path
from model.config.machines import DEFAULT_DRIVER, Host, Machines, Pool, parse_memory
from model.config.schema import ClusterConfig, FleetConfig
from model.config.ssh import Ssh
from model.fleet import CONTROL_PLANE, WORKER, Vip
from model.snapshot import Snapshot, read
from model.well_known import API_PORT

ROLES = (CONTROL_PLANE, WORKER)
POOL_KEYS = {CONTROL_PLANE: "controlPlanes", WORKER: "workers"}
DEFAULT_COUNTS = {CONTROL_PLANE: 1, WORKER: 0}
DEFAULT_CPUS = 2.0
DEFAULT_MEMORY = "2Gi"
# The offsets of the gateway and of container machines in the subnet of their cluster's bridge.
GATEWAY = 1
FIRST_ADDRESS = {CONTROL_PLANE: 11, WORKER: 101}


@dataclass(frozen=True)
class ResolvedCluster:
    """A cluster's config, and the settings of its machines derived from it."""

    name: str
    fleet: FleetConfig
    cluster: ClusterConfig

    @property
    def path(self) -> Path:
        """The cluster's path in the config."""
        return ("clusters", self.name)

    @cached_property
    def machines(self) -> Machines:
        """The machine settings: the cluster's, with the fleet's as defaults."""
        own, fleet = self.cluster.machines, self.fleet.machines
        changes = {key: getattr(own, key) for key in own.model_fields_set}
        if own.ssh and fleet.ssh:
            ssh = {key: getattr(own.ssh, key) for key in own.ssh.model_fields_set}
            changes["ssh"] = fleet.ssh.model_copy(update=ssh)
        return fleet.model_copy(update=changes)

    def machines_path(self, key: str) -> Path:
        """The path of the machine setting `key`; in the cluster if it is not set anywhere."""
        if key in self.cluster.machines.model_fields_set:
            return (*self.path, "machines", key)
        if key in self.fleet.machines.model_fields_set:
            return ("machines", key)
        return (*self.path, "machines", key)

    @property
    def driver(self) -> str:
        """The name of the machines' driver."""
        return self.machines.driver or DEFAULT_DRIVER

    @property
    def driver_paths(self) -> tuple[Path, ...]:
        """All paths that can set the driver."""
        return ((*self.path, "machines", "driver"), ("machines", "driver"))

    @property
    def ssh(self) -> Ssh:
        """How to log in to existing hosts."""
        return self.machines.ssh or Ssh()

    def pool(self, role: str) -> Pool:
        """The config of one role's machines."""
        return self.cluster.control_planes if role == CONTROL_PLANE else self.cluster.workers

    def pool_path(self, role: str, *below: str | int) -> Path:
        """The path of one role's machines in the config."""
        return (*self.path, POOL_KEYS[role], *below)

    def hosts(self, role: str) -> list[Host]:
        """The existing hosts of one role; empty with other drivers."""
        return (self.pool(role).hosts or []) if self.driver == "existing" else []

    def size(self, role: str) -> int:
        """The desired number of machines of this role."""
        if self.driver == "existing":
            return len(self.hosts(role))
        count = self.pool(role).count
        return DEFAULT_COUNTS[role] if count is None else count

    @property
    def nodes(self) -> int:
        """The desired number of machines."""
        return sum(self.size(role) for role in ROLES)

    def cpus(self, role: str) -> float:
        """CPU cores of a container machine of this role."""
        return self.pool(role).cpus or self.machines.cpus or DEFAULT_CPUS

    def memory_bytes(self, role: str) -> int:
        """Memory of a container machine of this role."""
        return parse_memory(self.pool(role).memory or self.machines.memory or DEFAULT_MEMORY)

    def container_address(self, role: str, index: int) -> IPv4Address | None:
        """The address of a container machine; None if there is no subnet or it is too small."""
        subnet = self.machines.subnet
        offset = FIRST_ADDRESS[role] + index
        if subnet is None or offset > subnet.num_addresses - 2:
            return None
        return subnet.network_address + offset

    def addresses(self, role: str) -> Iterator[tuple[Path, IPv4Address | None]]:
        """Yield the config path and the node address of each machine.

        The address is None if the config has a DNS name or if the subnet is too small.
        """
        if self.driver == "existing":
            for index, host in enumerate(self.hosts(role)):
                key = "nodeAddress" if host.node_address else "address"
                path = self.pool_path(role, "hosts", index, key)
                yield path, host.node_address or address_or_none(host.address)
        else:
            for index in range(self.size(role)):
                yield self.machines_path("subnet"), self.container_address(role, index)

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The snapshot to restore the cluster from, if any; raises SnapshotError."""
        written = self.cluster.control_planes.restore
        return None if written is None else read(written)

    @property
    def given_endpoint(self) -> str | None:
        """The API's host:port if the config sets one."""
        written = self.cluster.endpoint
        return (written.external or written.vip) if written else None

    def endpoint_path(self, *below: str) -> Path:
        """The endpoint's path in the config."""
        return (*self.path, "endpoint", *below)

    @property
    def vip(self) -> Vip | None:
        """The virtual IP address shared by the control planes, if there is one."""
        written = self.cluster.endpoint
        if written is None or written.vip is None:
            return None
        text, _, port = written.vip.rpartition(":")
        address = IPv4Address(text)
        # VRRP's virtual router ID is a byte other than zero (RFC 5798, 5.2.3).
        return Vip(address, int(port), address.packed[-1] or 255)

    @property
    def endpoint(self) -> str | None:
        """The API's host:port; None if the config must set one but does not."""
        if self.given_endpoint:
            return self.given_endpoint
        first = next((address for _, address in self.addresses(CONTROL_PLANE)), None)
        return f"{first}:{API_PORT}" if first and self.size(CONTROL_PLANE) == 1 else None


def address_or_none(text: str) -> IPv4Address | None:
    """Return `text` as an IPv4 address; None if it is a DNS name."""
    return IPv4Address(text) if text.rpartition(".")[2].isdigit() else None
