"""Passes facts of this run, beside the inputs of resources, to its providers (current_run.py)."""

import sys
from collections.abc import Iterator

import pulumi

from model.fleet import Cluster, Fleet
from model.limits import SHARED, Limits
from model.machine import CONTROL_PLANE, WORKER, ExistingSettings
from ops import current_run
from ops.current_run import CurrentRun, Group


def announce(fleet: Fleet) -> None:
    """Record this run for its providers; a run without an engine has none."""
    engine = engine_address()
    if engine is None:
        return
    run = CurrentRun(
        is_preview=pulumi.runtime.is_dry_run(),
        parallel=pulumi.runtime.settings.SETTINGS.parallel or 0,
        groups={cluster.name: groups_of(cluster) for cluster in fleet.clusters},
        consents={cluster.name: cluster.data_loss for cluster in fleet.clusters},
        hosts=dict(_hosts(fleet)),
    )
    current_run.write(engine, run)


def groups_of(cluster: Cluster) -> tuple[Group, ...]:
    """Return the machines of a cluster, by how many of them may be unavailable at a time."""
    limits = Limits(cluster.upgrade.max_unavailable, cluster.upgrade.pool_limits)
    nodes: dict[str, list[str]] = {group: [] for group in (SHARED, *limits.pools)}
    for machine in cluster.workers:
        nodes[limits.group(machine.pool)].append(machine.name)
    return (
        Group(CONTROL_PLANE, "", [machine.name for machine in cluster.control_planes]),
        *(Group(WORKER, group, names, limits.of(group)) for group, names in nodes.items()),
    )


def _hosts(fleet: Fleet) -> Iterator[tuple[str, str]]:
    for cluster in fleet.clusters:
        for machine in cluster.machines:
            if isinstance(machine.settings, ExistingSettings):
                yield f"{machine.settings.host}:{machine.settings.port}", machine.name
                if machine.settings.host_key:
                    yield machine.settings.host_key, machine.name


def engine_address() -> str | None:
    """Return the address of the engine, an argument of the language host."""
    words = sys.orig_argv
    return words[words.index("--engine") + 1] if "--engine" in words[:-1] else None
