"""A cluster of the config as it is used: the settings in force, and what follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address

from model.config.defaults import EffectiveCluster, EffectiveWorkers
from model.config.errors import Path
from model.config.machines import Host, Pool, foreign_keys, parse_memory
from model.config.merged_settings import MergedSettings, Setting
from model.config.schema import ClusterConfig, FleetConfig
from model.fleet import CONTROL_PLANE, WORKER, Vip
from model.snapshot import Snapshot, read
from model.well_known import API_PORT

ROLES = (CONTROL_PLANE, WORKER)
POOL_KEYS = {CONTROL_PLANE: "controlPlanes", WORKER: "workers"}
# The offsets of the gateway and of container machines in the subnet of their cluster's bridge.
GATEWAY = 1
FIRST_ADDRESS = {CONTROL_PLANE: 11, WORKER: 101}


@dataclass(frozen=True)
class ResolvedCluster:
    """A cluster: its own config, the fleet's, and the settings merged from both.

    Paths of settings are relative to the cluster: `("machines", "subnet")`.
    """

    name: str
    written: ClusterConfig
    fleet: FleetConfig

    @property
    def path(self) -> Path:
        """The cluster's path in the config."""
        return ("clusters", self.name)

    @cached_property
    def _merged(self) -> MergedSettings:
        return MergedSettings(self.name, self.written, self.fleet)

    @cached_property
    def settings(self) -> EffectiveCluster:
        """The settings in force."""
        return self._merged.values

    def explain(self) -> Iterator[Setting]:
        """Yield every setting that the driver supports, with its value and the value's origin."""
        unused = foreign_keys(self.driver) | ({"count"} if self.driver == "existing" else set())
        for setting in self._merged:
            top, *below = setting.path
            if top not in ("machines", *POOL_KEYS.values()) or below[0] not in unused:
                yield setting

    def path_of(self, *setting: str | int) -> Path:
        """The config path that a value comes from; the cluster's own if it is set nowhere."""
        return self._merged.origin(setting) or (*self.path, *setting)

    def paths_of(self, *setting: str | int) -> tuple[Path, ...]:
        """All config paths that can set a value."""
        paths = ((*self.path, *setting), setting)
        if setting[0] in POOL_KEYS.values() and setting[1:] in (("cpus",), ("memory",)):
            return (*paths, *self.paths_of("machines", *setting[1:]))
        return paths

    @cached_property
    def driver(self) -> str:
        """The name of the machines' driver."""
        return self.settings.machines.driver

    @property
    def driver_paths(self) -> tuple[Path, ...]:
        """All paths that can set the driver."""
        return self.paths_of("machines", "driver")

    @property
    def subnet_paths(self) -> tuple[Path, ...]:
        """All paths that can set the subnet of container machines, and those of the driver."""
        return (*self.paths_of("machines", "subnet"), *self.driver_paths)

    def pool(self, role: str) -> EffectiveWorkers:
        """The settings of one role's machines."""
        return self.settings.control_planes if role == CONTROL_PLANE else self.settings.workers

    def written_pool(self, role: str) -> Pool:
        """The cluster's own config of one role's machines."""
        return self.written.control_planes if role == CONTROL_PLANE else self.written.workers

    def pool_path(self, role: str, *below: str | int) -> Path:
        """The path of one role's machines in the config."""
        return (*self.path, POOL_KEYS[role], *below)

    def hosts(self, role: str) -> list[Host]:
        """The existing hosts of one role; empty with other drivers."""
        return self.pool(role).hosts if self.driver == "existing" else []

    def size(self, role: str) -> int:
        """The desired number of machines of this role."""
        if self.driver == "existing":
            return len(self.hosts(role))
        return self.pool(role).count

    def size_path(self, role: str) -> Path:
        """The path of what decides the number of machines."""
        return self.pool_path(role, "hosts" if self.driver == "existing" else "count")

    def size_paths(self, role: str) -> tuple[Path, ...]:
        """All paths that the number depends on: with an explicit count, not on the driver."""
        counted = self._merged.origin((POOL_KEYS[role], "count")) is not None
        return (self.size_path(role), *(() if counted else self.driver_paths))

    @property
    def nodes(self) -> int:
        """The desired number of machines."""
        return sum(self.size(role) for role in ROLES)

    def memory_bytes(self, role: str) -> int:
        """Memory of a container machine of this role."""
        return parse_memory(self.pool(role).memory)

    def container_address(self, role: str, index: int) -> IPv4Address | None:
        """The address of a container machine; None if there is no subnet or it is too small."""
        subnet = self.settings.machines.subnet
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
            path = self.path_of("machines", "subnet")
            for index in range(self.size(role)):
                yield path, self.container_address(role, index)

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The snapshot to restore the cluster from, if any; raises SnapshotError."""
        written = self.settings.control_planes.restore
        return None if written is None else read(written)

    @property
    def given_endpoint(self) -> str | None:
        """The API's host:port if the config sets one."""
        written = self.settings.endpoint
        return (written.external or written.vip) if written else None

    def endpoint_path(self, *below: str) -> Path:
        """The endpoint's path in the config."""
        return (*self.path, "endpoint", *below)

    @property
    def vip(self) -> Vip | None:
        """The virtual IP address shared by the control planes, if there is one."""
        written = self.settings.endpoint
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
