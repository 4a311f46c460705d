"""The machines of a stack, as its secret output `inventory` says them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NotRequired, TypedDict

from model.machine import CONTROL_PLANE
from ops.errors import OperatorError
from ops.hosts.login import Login, LoginProps


class MachineEntry(TypedDict):
    """A machine in the output; without a login if the last run could not create it."""

    address: str
    role: str
    pool: str
    driver: str
    login: NotRequired[LoginProps]


@dataclass(frozen=True)
class InventoryMachine:
    """A machine; `address` is the one that its cluster knows it by, `pool` "" without one."""

    name: str
    cluster: str
    role: str
    pool: str
    address: str
    driver: str
    known_login: Login | None = field(repr=False)

    @property
    def login(self) -> Login:
        """How to log in; raises OperatorError if no run has got far enough to know."""
        if self.known_login is None:
            raise OperatorError(
                f"{self.name}: no login is known, because the last run could not create the "
                "machine: run `fleet up` again"
            )
        return self.known_login


class Inventory:
    """All machines by name, in the order of the config."""

    def __init__(self, output: Mapping[str, Mapping[str, MachineEntry]]) -> None:
        self.clusters = tuple(output)
        self._by_name = {
            name: _machine(name, cluster, given)
            for cluster, machines in output.items()
            for name, given in machines.items()
        }

    @property
    def machines(self) -> tuple[InventoryMachine, ...]:
        """All machines."""
        return tuple(self._by_name.values())

    def machine(self, name: str) -> InventoryMachine:
        """Return one machine; raises OperatorError, naming those with a similar name."""
        if name not in self._by_name:
            raise OperatorError(f"there is no machine {name}: {_similar(name, self._by_name)}")
        return self._by_name[name]

    def control_planes(self, cluster: str) -> tuple[InventoryMachine, ...]:
        """Return a cluster's control planes; raises OperatorError if there is no such cluster."""
        machines = self.of_clusters([cluster])
        return tuple(machine for machine in machines if machine.role == CONTROL_PLANE)

    def of_clusters(self, clusters: Collection[str]) -> tuple[InventoryMachine, ...]:
        """Return the machines of these clusters, of all if none is named; raises OperatorError."""
        for cluster in clusters:
            if cluster not in self.clusters:
                raise OperatorError(
                    f"there is no cluster {cluster}: {_similar(cluster, self.clusters)}"
                )
        return tuple(
            machine for machine in self.machines if not clusters or machine.cluster in clusters
        )


def _machine(name: str, cluster: str, given: MachineEntry) -> InventoryMachine:
    login = Login.from_props(given["login"]) if "login" in given else None
    return InventoryMachine(
        name, cluster, given["role"], given["pool"], given["address"], given["driver"], login
    )


def _similar(name: str, names: Mapping[str, object] | tuple[str, ...]) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"the stack has {', '.join(names) or 'none'}"
