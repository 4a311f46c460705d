"""The workers' turns in a rollout: unready ones first, then the others, within their limits."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from model.limits import Limits
from ops.errors import OperatorError
from ops.interruption import Interrupted
from ops.rollout import unavailable
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.concurrency import run_bounded
from ops.rollout.desired import DesiredCluster
from ops.rollout.node_change import NodeChange
from ops.rollout.node_operations import PATIENCE_SECONDS
from ops.rollout.run_state import RunState

# For how long an inspection says that a worker can be reached: others may have had long turns.
REACHED_SECONDS = 60


@dataclass(frozen=True)
class WorkerTurns:
    """Changes the workers of a run; `apply` makes one change."""

    cluster: DesiredCluster
    nodes: ClusterNodes
    state: RunState
    limits: Limits
    inspected: float
    apply: Callable[[NodeChange], None]

    def take(self, changes: Iterable[NodeChange]) -> None:
        """Change all: unavailable workers first, which fixes some and costs nothing."""
        ordered = list(changes)
        ready = [change for change in ordered if change.target.found.is_ready]
        unready = [change for change in ordered if not change.target.found.is_ready]
        run_bounded(self._groups(unready), self.limits.of, self._unready)
        run_bounded(self._groups(ready), self._free_slots, self._ready)

    def _groups(self, changes: Iterable[NodeChange]) -> dict[str, list[NodeChange]]:
        groups: dict[str, list[NodeChange]] = {}
        for change in changes:
            groups.setdefault(self.limits.group(change.target.wanted.pool), []).append(change)
        return groups

    def _free_slots(self, group: str) -> int:
        down = sum(
            not self.state.is_available(worker.name)
            for worker in self.cluster.workers
            if self.limits.group(worker.pool) == group
        )
        return unavailable.free_slots(self.limits.of(group), down)

    def _unready(self, change: NodeChange) -> None:
        """Change a worker; one that was lost before may fail."""
        target = change.target
        try:
            self.apply(change)
        except Interrupted:
            raise
        except OperatorError as error:
            if not unavailable.was_lost(target.found):
                raise
            self.state.skip(
                target.name, f"its Node was already lost, and its change failed: {error}"
            )
        else:
            self.state.done.add(target.name)

    def _ready(self, change: NodeChange) -> None:
        """Change a worker, unless it died while others had their turns."""
        target = change.target
        if time.monotonic() - self.inspected > REACHED_SECONDS:
            found = target.machine.inspect(record_initial=False, patience_seconds=PATIENCE_SECONDS)
            if reason := unavailable.reason_of(found):
                node = self.nodes.find(target.name)
                self.state.found[target.name] = replace(found, node=node)
                self.state.skip(target.name, reason)
                return
        self.apply(change)
