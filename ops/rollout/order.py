"""The order of a rollout: inspect every machine and bring each to its desired state, safely.

A run never trusts recorded state: it begins with an inspection and does the remaining work. So a
killed run is resumed by the next one, and a finished machine is not touched again.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from model.limits import Limits
from ops.errors import OperatorError
from ops.interruption import stop_before
from ops.kube.pod import few
from ops.rollout import actions, encryption_guards, readiness, refusals, trust_rows
from ops.rollout.action_kind import ActionKind, When
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.concurrency import unhealthy_first
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import add_cluster_actions
from ops.rollout.inspection import PARALLEL_MACHINES, inspect_cluster
from ops.rollout.node_change import NodeChange
from ops.rollout.node_operations import PATIENCE_SECONDS, NodeOperations
from ops.rollout.observed import ObservedCluster, ObservedMachine
from ops.rollout.progress import Progress
from ops.rollout.record import RolloutMemory, RolloutRecord
from ops.rollout.run_state import RunState
from ops.rollout.target import Target
from ops.rollout.workers import WorkerTurns


class RolloutRun:
    """The run for one cluster; `limits` are for the workers that are changed at a time."""

    def __init__(
        self,
        cluster: DesiredCluster,
        machines: Mapping[str, NodeOperations],
        nodes: ClusterNodes,
        progress: Progress,
        *,
        limits: Limits,
    ) -> None:
        self._cluster = cluster
        self._machines = machines
        self._nodes = nodes
        self._progress = progress
        self._limits = limits
        self._inspected = time.monotonic()
        self._unfinished: RolloutRecord | None = None
        self._memory = RolloutMemory(nodes, None)
        self.state = RunState(cluster)
        self.changed = False

    def run(self) -> dict[str, ObservedMachine]:
        """Do the remaining work; return the final state of every machine.

        What is under way is recorded in the cluster before the first change. Documents reach the
        machines first; when all have them, the cluster gets them, for machines that join.
        """
        state = self.state
        self._inspect(record_initial=True)
        if not any(found.api_answers for found in state.found.values()) and self._can_revive():
            self._revive()
            self._inspect()
        self._skip_unavailable()
        self._add_cluster_actions()
        self._reject_impossible()
        if not state.left:
            state.skip_lost(state.found)
            return state.found
        self._nodes.reject_etcd_alarm(self._cluster.name)
        self.changed = True
        self._change_machines()
        former = state.found
        self._inspect()
        state.skip_lost(former)
        self._reject_remaining_drift()
        self._add_cluster_actions()
        # No machine needs its former state any more.
        self._do_at(When.AT_END)
        return state.found

    def _inspect(self, *, record_initial: bool = False) -> None:
        self._inspected = time.monotonic()
        self.state.inspected(
            inspect_cluster(
                self._machines,
                self._nodes,
                record_initial=record_initial,
                patience_seconds=PATIENCE_SECONDS,
                skipped=self.state.skipped,
            )
        )

    def _can_revive(self) -> bool:
        """Whether a control plane can be reached, so waiting for the API makes sense."""
        planes = self._cluster.control_planes
        return any(not self.state.found[plane.name].unreachable for plane in planes)

    def _revive(self) -> None:
        """Fix control planes whose failure makes the API unavailable."""
        for machine in self._cluster.control_planes:
            for kind in self.state.kinds(machine.name):
                if kind.restores_api:
                    self._repair(machine.name, kind, f"{kind.name}, since the API is unavailable")
        try:
            readiness.await_ready(self._nodes, ())
        except OperatorError:
            # Then there may be no majority of etcd without it.
            self._skip_unavailable()
            raise
        self._remember_repair()

    def _remember_repair(self) -> None:
        """Have the next run inspect the machines, should this one end before all are repaired.

        The API, which answers now, would not be a reason any longer. An earlier record is one.
        """
        if self._nodes.observe_cluster().unfinished is None:
            record = self._new_record((), ("what kept the API from answering",), self._machines)
            self._nodes.write_record(record.data)

    def _skip_unavailable(self) -> None:
        """Skip workers that cannot be changed; a control plane of this kind ends the run.

        Before that, kubelets without a valid certificate get one, for which no other machine is
        needed: until then their Nodes are lost.
        """
        lost, kind = self.state.skip_unavailable(), trust_rows.KUBELET_CERTIFICATE
        if not lost:
            return
        for machine in self._cluster.machines:
            if kind in self.state.kinds(machine.name):
                self._repair(machine.name, kind, kind.doing)
        raise refusals.unavailable(self._cluster, lost, repaired=self.changed)

    def _repair(self, name: str, kind: ActionKind, doing: str) -> None:
        """Execute one action before the machine's turn."""
        self.changed = True
        self._progress.step(name, doing)
        kind.run(self._target(name))
        why = "; ".join(action.why for action in self.state.left[name] if action.kind is kind)
        self._progress.done(name, f"{kind.name} done ({why})")

    def _add_cluster_actions(self) -> None:
        """Let the first control plane execute the cluster's own actions that no other one has."""
        observed = self._observe_cluster()
        self._unfinished = observed.unfinished
        if reason := (
            refusals.cluster_downgrade(observed, self._cluster)
            or encryption_guards.lost_plugin(observed, self._cluster)
        ):
            raise OperatorError(f"cluster {self._cluster.name}: {reason}")
        add_cluster_actions(observed, self._cluster, self.state.left)

    def _observe_cluster(self) -> ObservedCluster:
        """Return what the cluster records of itself.

        A control plane that was found at fault may have ended the API since the inspection.
        """
        try:
            return self._nodes.observe_cluster()
        except OperatorError:
            if self._nodes.answers() or not self._can_revive():
                raise
        self._revive()
        self._inspect()
        self._skip_unavailable()
        return self._nodes.observe_cluster()

    def _change_machines(self) -> None:
        """Change every machine in its turn, and keep the record of it."""
        self._memory = RolloutMemory(self._nodes, self._record())
        workers = WorkerTurns(
            self._cluster, self._nodes, self.state, self._limits, self._inspected, self._apply
        )
        try:
            self._do_at(When.FIRST)
            for change in self._changes(self._cluster.control_planes):
                self._control_plane(change)
            workers.take(self._changes(self._cluster.workers))
        except BaseException:
            # The failure matters more than one of the record.
            with suppress(OperatorError):
                self._memory.flush()
            raise
        self._memory.flush()

    def _record(self) -> RolloutRecord | None:
        """Return the record of what is about to begin; None if only repairs are due."""
        changes = {machine.name: set(kinds) for machine, kinds in self.state.changed_machines()}
        kinds = {kind for kinds in changes.values() for kind in kinds if kind.subject}
        recorded = [kind for kind in actions.ACTIONS if kind in kinds]
        if not recorded:
            return None
        record = self._new_record(
            (kind.name for kind in recorded),
            (kind.subject for kind in recorded),
            (name for name, its in changes.items() if its & kinds),
        )
        return record.started(self._unfinished)

    def _new_record(
        self, changes: Iterable[str], subjects: Iterable[str], left: Iterable[str]
    ) -> RolloutRecord:
        return RolloutRecord(
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            target=self._cluster.digest,
            version=self._cluster.version,
            changes=tuple(changes),
            subjects=tuple(dict.fromkeys(subjects)),
            left=frozenset(left),
        )

    def _reject_impossible(self) -> None:
        for machine, kinds in self.state.changed_machines():
            for kind in kinds:
                found = self.state.found[machine.name]
                if kind.refusal and (reason := kind.refusal(found, machine)):
                    raise OperatorError(f"{machine.name}: {reason}")

    def _do_at(self, when: When) -> None:
        for kind in actions.ACTIONS:
            if kind.when is when:
                changed = [*self.state.changed_machines()]
                self._do_on_all(kind, [machine.name for machine, its in changed if kind in its])

    def _do_on_all(self, kind: ActionKind, names: Sequence[str]) -> None:
        if names:
            stop_before(f"{kind.doing} on {few(names)}")
        for name in names:
            self._progress.step(name, kind.doing)
        with ThreadPoolExecutor(max_workers=PARALLEL_MACHINES) as pool:
            list(pool.map(lambda name: kind.run(self._target(name)), names))
        for name in names:
            left = [action for action in self.state.left.pop(name) if action.kind is not kind]
            if left:
                self.state.left[name] = left

    def _reject_remaining_drift(self) -> None:
        for name in self.state.left:
            if not (left := self.state.in_turn(name)):
                continue
            why = " and ".join(action.why for action in left)
            if self.state.found[name].crashes:
                raise OperatorError(
                    f"{name}: {why}; files and settings are as configured: correct the setting "
                    "that it names, or the machine, then run `fleet up` again"
                )
            raise OperatorError(
                f"{name}: {why}, although that was just repaired: another program keeps changing "
                "it; find it, then run `fleet up` again"
            )

    def _changes(self, machines: Iterable[DesiredMachine]) -> list[NodeChange]:
        changes = [
            NodeChange(self._target(machine.name), left)
            for machine in machines
            if (left := self.state.in_turn(machine.name))
        ]
        ordered = unhealthy_first(changes, lambda change: change.target.found.is_ready)
        # A load balancer that is started before its peers know of it would hear from none of them,
        # and take the virtual address while another one holds it.
        return sorted(ordered, key=lambda change: change.target.starts_load_balancer)

    def _target(self, name: str) -> Target:
        return Target(self._machines[name], self.state.found[name], self._nodes, self._progress)

    def _control_plane(self, change: NodeChange) -> None:
        """Change one control plane while all others serve."""
        target = change.target
        if change.restarts_services:
            target.step("waiting for the other control planes to be healthy")
            others = (
                self._machines[plane.name]
                for plane in self._cluster.control_planes
                if plane.name != target.name and self.state.serves(plane.name)
            )
            readiness.await_control_planes(others, leaving=target.name)
        self._apply(change)
        self.state.done.add(target.name)
        if change.restarts_services:
            readiness.await_control_planes([target.machine])

    def _apply(self, change: NodeChange) -> None:
        stop_before(f"{change.target.name} was changed")
        self._memory.begin(change.target.name)
        change.apply()
        self._memory.end(change.target.name)
