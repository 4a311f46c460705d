"""The order of a rollout: inspect every machine and bring each to its desired state, safely.

A run never trusts recorded state: it begins with an inspection and does the remaining work. So a
killed run is resumed by the next one, and a finished machine is not touched again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from model.limits import Limits
from ops.errors import OperatorError
from ops.rollout import actions, readiness, unavailable
from ops.rollout.action_kind import Action, ActionKind, When
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.concurrency import Group, run_bounded, unhealthy_first
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import cluster_actions, kinds_of, required_actions
from ops.rollout.inspection import AT_ONCE, inspect_cluster
from ops.rollout.node_change import NodeChange
from ops.rollout.node_operations import PATIENCE_SECONDS, NodeOperations
from ops.rollout.observed import ObservedMachine
from ops.rollout.progress import Progress
from ops.rollout.record import RolloutMemory, RolloutRecord
from ops.rollout.target import Target


class RolloutRun:
    """The run for one cluster; `limits` are for the workers that are changed at a time.

    `left_out` are workers that could not be changed, with the reason (see unavailable.py), and
    `pending` what is left to be done there, as far as it is known.
    """

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
        self._found: dict[str, ObservedMachine] = {}
        self._left: dict[str, list[Action]] = {}
        self._unfinished: RolloutRecord | None = None
        self._memory = RolloutMemory(nodes, None)
        self._done: set[str] = set()
        self.changed = False
        self.left_out: dict[str, str] = {}
        self.pending: dict[str, str] = {}

    def run(self) -> dict[str, ObservedMachine]:
        """Do the remaining work; return the final state of every machine.

        What is under way is recorded in the cluster before the first change. Documents reach the
        machines first; when all have them, the cluster gets them, for machines that join.
        """
        self._look(record_initial=True)
        if not any(each.api_answers for each in self._found.values()) and self._can_revive():
            self._revive()
            self._look()
        self._leave_out_unusable_machines()
        self._add_cluster_actions()
        self._reject_impossible()
        if not self._left:
            self._leave_out_lost_machines(self._found)
            return self._found
        self._nodes.reject_etcd_alarm(self._cluster.name)
        self.changed = True
        self._change_machines()
        former = self._found
        self._look()
        self._leave_out_lost_machines(former)
        self._reject_remaining_drift()
        self._add_cluster_actions()
        self._end()
        return self._found

    def _look(self, *, record_initial: bool = False) -> None:
        self._found = inspect_cluster(
            self._machines,
            self._nodes,
            record_initial=record_initial,
            patience_seconds=PATIENCE_SECONDS,
        )
        self._left = {
            each.name: left
            for each in self._cluster.machines
            if each.name not in self.left_out
            and (left := required_actions(self._found[each.name], each))
        }

    def _can_revive(self) -> bool:
        """Whether a control plane can be reached, so that waiting for the API makes sense."""
        planes = self._cluster.control_planes
        return any(not self._found[each.name].unreachable for each in planes)

    def _revive(self) -> None:
        """Fix control planes whose failure makes the API unavailable."""
        for machine in self._cluster.control_planes:
            for kind in self._kinds(machine.name):
                if kind.restores_api:
                    self._restore_api(machine.name, kind)
        readiness.await_ready(self._nodes, ())

    def _restore_api(self, name: str, kind: ActionKind) -> None:
        self.changed = True
        self._progress.step(name, f"{kind.name}, since the API is unavailable")
        kind.run(self._target(name))
        why = "; ".join(each.why for each in self._left[name])
        self._progress.done(name, f"{kind.name} done ({why})")

    def _leave_out_unusable_machines(self) -> None:
        """Leave out workers that cannot be changed; a control plane of this kind ends the run."""
        for name, found in self._found.items():
            if not (reason := unavailable.reason_of(found)):
                continue
            if self._cluster.by_name[name].is_control_plane:
                raise OperatorError(
                    f"{name} is {reason}. Nothing was changed on any machine of "
                    f"{self._cluster.name}, since every change needs all control planes. Bring it "
                    "back and run `fleet up` again; if it is permanently lost, replace it with "
                    "`fleet pulumi up --replace` and the URN of its machine"
                )
            self._leave_out(name, reason)

    def _leave_out_lost_machines(self, before: Mapping[str, ObservedMachine]) -> None:
        """Leave out workers whose Nodes were given up before the run, and still are not Ready."""
        for machine in self._cluster.workers:
            node = self._found[machine.name].node
            is_down = node is not None and not node.ready
            if is_down and unavailable.was_lost(before[machine.name]):
                self.left_out.setdefault(machine.name, "its Node is not Ready")

    def _leave_out(self, name: str, reason: str) -> None:
        self.left_out[name] = reason
        if left := self._left.pop(name, None):
            self.pending[name] = " and ".join(each.why for each in left)

    def _add_cluster_actions(self) -> None:
        """Let the first control plane execute the cluster's own actions that no other one has."""
        observed = self._nodes.observe_cluster()
        self._unfinished = observed.unfinished
        if left := cluster_actions(observed, self._cluster, self._left):
            self._left.setdefault(self._cluster.control_planes[0].name, []).extend(left)

    def _change_machines(self) -> None:
        """Change every machine in its turn, and keep the record of it."""
        self._memory = RolloutMemory(self._nodes, self._record())
        try:
            for change in self._changes(self._cluster.control_planes):
                self._control_plane(change)
            self._workers()
        except BaseException:
            # The failure matters more than one of the record.
            with suppress(OperatorError):
                self._memory.flush()
            raise
        self._memory.flush()

    def _record(self) -> RolloutRecord | None:
        """Return the record of what is about to begin; None if only repairs are due."""
        kinds = {kind for name in self._left for kind in self._kinds(name) if kind.subject}
        recorded = [kind for kind in actions.ACTIONS if kind in kinds]
        if not recorded:
            return None
        record = RolloutRecord(
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            target=self._cluster.digest,
            version=self._cluster.version,
            changes=tuple(kind.name for kind in recorded),
            subjects=tuple(dict.fromkeys(kind.subject for kind in recorded)),
            left=frozenset(name for name in self._left if not kinds.isdisjoint(self._kinds(name))),
        )
        return record.started(self._unfinished)

    def _reject_impossible(self) -> None:
        for machine in self._cluster.machines:
            for kind in self._kinds(machine.name):
                if kind.refusal and (reason := kind.refusal(self._found[machine.name], machine)):
                    raise OperatorError(f"{machine.name}: {reason}")

    def _end(self) -> None:
        """Execute the final actions, once no machine needs its former state any longer."""
        for kind in actions.ACTIONS:
            if kind.when is When.AT_END:
                self._do_on_all(kind, [name for name in self._left if kind in self._kinds(name)])

    def _do_on_all(self, kind: ActionKind, names: Sequence[str]) -> None:
        for name in names:
            self._progress.step(name, kind.doing)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda name: kind.run(self._target(name)), names))
        for name in names:
            left = [each for each in self._left.pop(name) if each.kind is not kind]
            if left:
                self._left[name] = left

    def _reject_remaining_drift(self) -> None:
        for name in self._left:
            if not (left := self._in_turn(name)):
                continue
            why = " and ".join(each.why for each in left)
            if self._found[name].crashes:
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
            NodeChange(self._target(each.name), left)
            for each in machines
            if (left := self._in_turn(each.name))
        ]
        ordered = unhealthy_first(changes, lambda change: change.target.found.is_ready)
        # A load balancer that is started before its peers know of it would hear from none of them,
        # and take the virtual address while another one holds it.
        return sorted(ordered, key=lambda change: change.target.starts_load_balancer)

    def _target(self, name: str) -> Target:
        return Target(self._machines[name], self._found[name], self._nodes, self._progress)

    def _control_plane(self, change: NodeChange) -> None:
        """Change one control plane while all others serve."""
        target = change.target
        if change.restarts_services:
            target.step("waiting for the other control planes to be healthy")
            readiness.await_control_planes(
                self._machines[each.name]
                for each in self._cluster.control_planes
                if each.name != target.name and self._serves(each.name)
            )
        self._apply(change)
        self._done.add(target.name)
        if change.restarts_services:
            target.machine.run("await_health")

    def _workers(self) -> None:
        """Change the workers: unavailable ones first, which fixes some and costs nothing."""
        changes = self._changes(self._cluster.workers)
        ready = [change for change in changes if change.target.found.is_ready]
        unready = [change for change in changes if not change.target.found.is_ready]
        limits = self._limits
        run_bounded(self._groups(unready, limits.of), self._unready_worker)
        down = Counter(
            limits.group(machine.pool)
            for machine in self._cluster.workers
            if not self._is_available(machine.name)
        )
        run_bounded(
            self._groups(
                ready, lambda group: unavailable.free_places(limits.of(group), down[group])
            ),
            self._apply,
        )

    def _groups(
        self, changes: Iterable[NodeChange], limit: Callable[[str], int]
    ) -> list[Group[NodeChange]]:
        """Return the changes of each group of workers, with the group's limit."""
        groups: dict[str, list[NodeChange]] = {}
        for change in changes:
            groups.setdefault(self._limits.group(change.target.wanted.pool), []).append(change)
        return [Group(members, limit(group)) for group, members in groups.items()]

    def _unready_worker(self, change: NodeChange) -> None:
        """Change a worker; one that was lost before may fail."""
        target = change.target
        try:
            self._apply(change)
        except OperatorError as error:
            if not unavailable.was_lost(target.found):
                raise
            self._leave_out(
                target.name, f"its Node was already lost, and its change failed: {error}"
            )
        else:
            self._done.add(target.name)

    def _apply(self, change: NodeChange) -> None:
        self._memory.begin(change.target.name)
        change.apply()
        self._memory.end(change.target.name)

    def _is_available(self, name: str) -> bool:
        """Whether its Node is Ready, or became so in its turn; machines out of reach may be."""
        node = self._found[name].node
        return name in self._done or (node is not None and node.ready)

    def _serves(self, name: str) -> bool:
        """Whether a machine can be relied on; unhealthy ones are fixed before the others."""
        return self._found[name].is_ready or name in self._done or not self._in_turn(name)

    def _in_turn(self, name: str) -> tuple[Action, ...]:
        """Return the actions of the machine's turn; the rest is done on all machines at the end."""
        left = self._left.get(name, ())
        return tuple(each for each in left if each.kind.when is not When.AT_END)

    def _kinds(self, name: str) -> list[ActionKind]:
        return kinds_of(self._left.get(name, ()))
