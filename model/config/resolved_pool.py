"""A pool of a cluster as it is used: its machines, their names and their addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from model.config.address_blocks import FIRST_CONTROL_PLANE, Block, first_offset
from model.config.defaults import EffectivePool, EffectiveWorkerPool
from model.config.errors import Path
from model.config.machines import Host, parse_memory
from model.config.pools import Pool, WorkerSettings
from model.machine import CONTROL_PLANE


@dataclass(frozen=True)
class ResolvedMachine:
    """A machine: the name of its Node, the address of that, and the config path of the address.

    The address is None if the config has a DNS name or if the subnet is too small. `host` is None
    for container machines.
    """

    name: str
    path: Path
    address: IPv4Address | None
    pool: "ResolvedPool"
    host: Host | None

    @property
    def host_path(self) -> Path:
        """The config path of an existing host."""
        return self.path[:-1]


@dataclass(frozen=True)
class ResolvedPool:
    """The control planes, a pool of workers, or all workers of a cluster without pools.

    `name` is empty for control planes. `setting` is its path within the cluster, `written` its own
    config, `settings` those in force.
    """

    name: str
    role: str
    cluster: str
    driver: str
    setting: Path
    settings: EffectivePool
    written: Pool
    subnet: IPv4Network | None
    subnet_path: Path

    def path(self, *below: str | int) -> Path:
        """The pool's path in the config."""
        return ("clusters", self.cluster, *self.setting, *below)

    @property
    def is_named(self) -> bool:
        """Whether the config has it under `pools`."""
        return "pools" in self.setting

    @property
    def title(self) -> str:
        """The pool in a message."""
        if self.is_named:
            return f"pool {self.name}"
        return "the control planes" if self.role == CONTROL_PLANE else "the workers"

    @property
    def hosts(self) -> dict[str, Host]:
        """The existing hosts by name; empty with other drivers."""
        return self.settings.hosts if self.driver == "existing" else {}

    @property
    def size(self) -> int:
        """The desired number of machines."""
        return len(self.hosts) if self.driver == "existing" else self.settings.count

    @property
    def size_path(self) -> Path:
        """The path of what decides the number of machines."""
        return self.path("hosts" if self.driver == "existing" else "count")

    @property
    def memory_bytes(self) -> int:
        """Memory of one of its container machines."""
        return parse_memory(self.settings.memory)

    def node_name(self, machine: str | int) -> str:
        """Return the name of a machine's Node: of a host by its name, of others by number."""
        if self.driver == "existing":
            return f"{self.cluster}-{machine}"
        return f"{self.cluster}-{self.name or self.role}-{machine}"

    @property
    def longest_name(self) -> str:
        """The longest name of its Nodes; "" without machines."""
        keys = (*self.hosts, *([str(self.size - 1)] if self.size and not self.hosts else ()))
        return max(map(self.node_name, keys), key=len, default="")

    def block(self, subnet: IPv4Network) -> Block:
        """Return the addresses of its container machines."""
        if self.role == CONTROL_PLANE:
            return Block(FIRST_CONTROL_PLANE, self.size)
        if self.first_address is not None:
            return Block(int(self.first_address) - int(subnet.network_address), self.size)
        return Block(first_offset(self.name, subnet), self.size)

    @property
    def kubelet(self) -> Mapping[str, Any]:
        """The fields of KubeletConfiguration that override the cluster's."""
        settings = self.settings
        return settings.kubelet if isinstance(settings, WorkerSettings) else {}

    @property
    def first_address(self) -> IPv4Address | None:
        """The first address that the config sets."""
        settings = self.settings
        return settings.first_address if isinstance(settings, EffectiveWorkerPool) else None

    @cached_property
    def machines(self) -> tuple[ResolvedMachine, ...]:
        """Its machines by name."""
        return tuple(self._hosts() if self.driver == "existing" else self._containers())

    def _hosts(self) -> Iterator[ResolvedMachine]:
        for name, host in self.hosts.items():
            key = "nodeAddress" if host.node_address else "address"
            path = self.path("hosts", name, key)
            address = host.node_address or address_or_none(host.address)
            yield ResolvedMachine(self.node_name(name), path, address, self, host)

    def _containers(self) -> Iterator[ResolvedMachine]:
        block = self.block(self.subnet) if self.subnet else None
        for number in range(self.size):
            address = block.address(self.subnet, number) if block and self.subnet else None
            yield ResolvedMachine(self.node_name(number), self.subnet_path, address, self, None)


def address_or_none(text: str) -> IPv4Address | None:
    """Return `text` as an IPv4 address; None if it is a DNS name."""
    return IPv4Address(text) if text.rpartition(".")[2].isdigit() else None
