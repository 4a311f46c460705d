"""A cluster of the config as it is used: the settings in force, and what follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address

from model.config import overrides
from model.config.defaults import EffectiveCluster, EffectivePool
from model.config.errors import DESCENDANTS, Path
from model.config.machines import foreign_keys
from model.config.merged_settings import MergedSettings, Setting
from model.config.pools import DEFAULT_POOL, Pool
from model.config.resolved_pool import ResolvedMachine, ResolvedPool
from model.config.schema import ClusterConfig, FleetConfig
from model.fleet import Vip
from model.machine import CONTROL_PLANE, WORKER
from model.natural_order import natural
from model.rotation_phases import Rotations
from model.snapshot import Snapshot, read
from model.well_known import API_PORT

POOL_KEYS = {CONTROL_PLANE: "controlPlanes", WORKER: "workers"}
# What a pool of workers inherits from the settings beside `pools`.
INHERITED = ("labels", "taints", "cpus", "memory", "kubelet")


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

    @property
    def rotations(self) -> Rotations:
        """The phases of its rotations."""
        return Rotations(**self.settings.rotations.model_dump(exclude_none=True))

    def explain(self) -> Iterator[Setting]:
        """Yield every setting that is used, with its value and the value's origin."""
        for setting in self._merged:
            if not self._is_unused(setting.path):
                yield setting

    def _is_unused(self, setting: Path) -> bool:
        """Whether another driver has the setting, or pools take its place."""
        top, *below = setting
        if top == "machines":
            return below[0] in foreign_keys(self.driver)
        if top not in POOL_KEYS.values():
            return False
        in_pool = below[0] == "pools"
        if top == POOL_KEYS[WORKER] and in_pool != bool(self.settings.workers.pools):
            return True
        key = below[2] if in_pool else below[0]
        counted = self.driver != "existing"
        return key in foreign_keys(self.driver) or (key == "count" and not counted)

    def path_of(self, *setting: str | int) -> Path:
        """The config path that a value comes from; the cluster's own if it is set nowhere."""
        return self._merged.origin(setting) or (*self.path, *setting)

    def paths_of(self, *setting: str | int) -> tuple[Path, ...]:
        """All config paths that can set a value."""
        paths = ((*self.path, *setting), *self._override_paths(setting), setting)
        if setting[:2] == ("workers", "pools") and setting[3:4] and setting[3] in INHERITED:
            return (*paths, *self.paths_of("workers", *setting[3:]))
        if setting[0] in POOL_KEYS.values() and setting[1:] in (("cpus",), ("memory",)):
            return (*paths, *self.paths_of("machines", *setting[1:]))
        return paths

    def _override_paths(self, setting: Path) -> Iterator[Path]:
        """Yield the paths of overrides that can set a value, and what decides whether they do."""
        for index, override in enumerate(self.fleet.overrides):
            if setting[0] in override.sets:
                yield (overrides.KEY, index, *setting)
                yield (overrides.KEY, index, "selector", DESCENDANTS)
                yield (*self.path, "labels", DESCENDANTS)

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

    @cached_property
    def pools(self) -> tuple[ResolvedPool, ...]:
        """The control planes, and the pools of workers by name."""
        settings, written = self.settings, self.written
        control_planes = self._pool(
            "", CONTROL_PLANE, ("controlPlanes",), settings.control_planes, written.control_planes
        )
        if not settings.workers.pools:
            workers = self._pool(
                DEFAULT_POOL, WORKER, ("workers",), settings.workers, written.workers
            )
            return (control_planes, workers)
        pools = (
            self._pool(name, WORKER, ("workers", "pools", name), pool, written.workers.pools[name])
            for name, pool in settings.workers.pools.items()
        )
        return (control_planes, *pools)

    def _pool(
        self, name: str, role: str, setting: Path, settings: EffectivePool, written: Pool
    ) -> ResolvedPool:
        subnet, path = self.settings.machines.subnet, self.path_of("machines", "subnet")
        return ResolvedPool(
            name, role, self.name, self.driver, setting, settings, written, subnet, path
        )

    @property
    def control_planes(self) -> ResolvedPool:
        """The machines that run the API."""
        return self.pools[0]

    @property
    def worker_pools(self) -> tuple[ResolvedPool, ...]:
        """The pools of workers, by name."""
        return self.pools[1:]

    @cached_property
    def machines(self) -> tuple[ResolvedMachine, ...]:
        """All machines: control planes by name, then workers by name, whatever their pools."""
        workers = [machine for pool in self.worker_pools for machine in pool.machines]
        return (
            *self.control_planes.machines,
            *sorted(workers, key=lambda machine: natural(machine.name)),
        )

    def size_paths(self, *pools: ResolvedPool) -> tuple[Path, ...]:
        """All paths that the size of pools depends on: with an explicit count, not the driver."""
        paths: list[Path] = []
        for pool in pools:
            counted = self._merged.origin((*pool.setting, "count")) is not None
            paths += (pool.size_path, *(() if counted else self.driver_paths))
        return tuple(paths)

    @property
    def nodes(self) -> int:
        """The desired number of machines."""
        return sum(pool.size for pool in self.pools)

    def is_set(self, *setting: str | int) -> bool:
        """Whether the config sets a value."""
        return self._merged.origin(setting) is not None

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
        machines = self.control_planes.machines
        first = machines[0].address if len(machines) == 1 else None
        return f"{first}:{API_PORT}" if first else None
