"""The settings in force for one cluster, merged in layers: cluster, overrides, fleet, defaults.

This is the only place where a setting is inherited, and it records the origin of each value:

- of the overrides that match the cluster's labels, a later one is above an earlier one;
- objects and mappings are merged key by key; everything else, and an `Atomic` object, is replaced;
- a key without a value (null) is not set, except where null means "none" (`NullOverrides`);
- a pool of workers has the settings beside `pools`, unless its own keys set them;
- the machines of a pool have the size that `machines` sets, unless those keys set it, and hosts the
  SSH port of `machines.ssh`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any, TypeVar

from model.config import overrides
from model.config.defaults import DEFAULTS, POOL_DEFAULTS, EffectiveCluster, EffectivePool
from model.config.errors import Path
from model.config.schema import ClusterConfig, FleetConfig
from model.config.strict import Atomic, NullOverrides, Strict
from model.natural_order import natural

Part = TypeVar("Part", bound=Strict)
Pool = TypeVar("Pool", bound=EffectivePool)
SSH_PORT = ("machines", "ssh", "port")
# What several layers set, each with its config path; the highest comes first.
Layers = Sequence[tuple[Path, Any]]


@dataclass(frozen=True)
class Setting:
    """A setting: its path within the cluster, its value, and the config path of the value.

    `origin` is None if the value is a default; `value` is None if there is none.
    """

    path: Path
    value: Any
    origin: Path | None


class MergedSettings:
    """The settings in force for a cluster: their values, and the origin of each."""

    values: EffectiveCluster

    def __init__(self, name: str, cluster: ClusterConfig, fleet: FleetConfig) -> None:
        # By path within the cluster; None for a default.
        self._origins: dict[Path, Path | None] = {}
        matching = reversed(list(overrides.matching(fleet.overrides, cluster.labels)))
        layers: Layers = [
            (("clusters", name), cluster),
            *(((overrides.KEY, index), override) for index, override in matching),
            ((), fleet),
        ]
        values = self._part(DEFAULTS, layers, ())
        machines = [((*where, "machines"), layer.machines) for where, layer in layers]
        control_planes = [(("clusters", name, "controlPlanes"), cluster.control_planes), *machines]
        where: Path = ("clusters", name, "workers")
        shared = cluster.workers.model_copy(update={"pools": {}})
        workers = [(where, shared), *machines]
        # Machines beside pools are refused; no pool inherits them.
        inherited = shared.model_copy()
        inherited.model_fields_set.difference_update({"count", "hosts"})
        port = values.machines.ssh.port
        pools = {
            key: self._pool(
                POOL_DEFAULTS,
                [((*where, "pools", key), pool), (where, inherited), *machines],
                ("workers", "pools", key),
                port,
            )
            for key, pool in sorted(cluster.workers.pools.items())
        }
        self.values = values.model_copy(
            update={
                "control_planes": self._pool(
                    DEFAULTS.control_planes, control_planes, ("controlPlanes",), port
                ),
                "workers": self._pool(DEFAULTS.workers, workers, ("workers",), port).model_copy(
                    update={"pools": pools}
                ),
            }
        )

    def origin(self, path: Path) -> Path | None:
        """Return the config path that the setting's value comes from; None if it is a default."""
        end = next(end for end in range(len(path), 0, -1) if path[:end] in self._origins)
        found = self._origins[path[:end]]
        return None if found is None else (*found, *path[end:])

    def __iter__(self) -> Iterator[Setting]:
        """Yield every setting, in the order of the schema."""
        for path, value in _scalars(self.values, ()):
            yield Setting(path, value, self.origin(path))

    def _part(self, default: Part, layers: Layers, path: Path) -> Part:
        """Return an object: each of its keys as the highest layer sets it, else the default."""
        values = {}
        for name, key, null_counts in _keys(type(default)):
            given = [
                ((*where, key), getattr(layer, name))
                for where, layer in layers
                if name in layer.model_fields_set
                and (null_counts or getattr(layer, name) is not None)
            ]
            if given:
                values[name] = self._value(getattr(default, name), given, (*path, key))
            else:
                self._origins[(*path, key)] = None
        return default.model_copy(update=values)

    def _value(self, default: Any, given: Layers, path: Path) -> Any:
        """Return the highest value; mappings and objects are merged with those below it."""
        where, value = given[0]
        self._origins[path] = where
        if isinstance(value, dict):
            return self._mapping(given, path)
        if isinstance(value, Strict) and not isinstance(value, Atomic):
            return self._part(type(value)() if default is None else default, given, path)
        if isinstance(value, Strict | list):
            self._mark_unset_keys(value, path)
        return value

    def _mapping(self, given: Layers, path: Path) -> dict[str, Any]:
        layers = list(takewhile(lambda layer: isinstance(layer[1], dict), given))
        keys = dict.fromkeys(key for _, mapping in reversed(layers) for key in mapping)
        merged = {}
        for key in keys:
            values = [((*where, key), mapping[key]) for where, mapping in layers if key in mapping]
            merged[key] = self._value(None, values, (*path, key))
        return merged

    def _mark_unset_keys(self, value: Any, path: Path) -> None:
        """Record the defaults within a value that is not merged."""
        for key, item in _items(value):
            self._mark_unset_keys(item, (*path, key))
        if isinstance(value, Strict):
            for name, key, _ in _keys(type(value)):
                if name not in value.model_fields_set:
                    self._origins[(*path, key)] = None

    def _pool(self, default: Pool, layers: Layers, path: Path, port: int) -> Pool:
        """Return the settings of one pool, its hosts in the order of their names."""
        pool = self._part(default, layers, path)
        hosts = {}
        for name, host in sorted(pool.hosts.items(), key=lambda item: natural(item[0])):
            if host.port is None:
                self._origins[(*path, "hosts", name, "port")] = self.origin(SSH_PORT)
            hosts[name] = host.model_copy(update={"port": host.port or port})
        return pool.model_copy(update={"hosts": hosts})


@cache
def _keys(part: type[Strict]) -> tuple[tuple[str, str, bool], ...]:
    """Return the name of each field, its key in the config, and whether null overrides it."""
    return tuple(
        (name, str(info.alias), any(isinstance(mark, NullOverrides) for mark in info.metadata))
        for name, info in part.model_fields.items()
    )


def _items(value: Any) -> list[tuple[str | int, Any]]:
    """Return the entries of an object, of a mapping, or of a list of objects."""
    if isinstance(value, Strict):
        return [(key, getattr(value, name)) for name, key, _ in _keys(type(value))]
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list) and any(isinstance(item, Strict) for item in value):
        return list(enumerate(value))
    return []


def _scalars(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the value of everything that has no entries."""
    entries = _items(value)
    for key, item in entries:
        yield from _scalars(item, (*path, key))
    if not entries:
        yield path, value
