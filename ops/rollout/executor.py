"""One run of a rollout: look at every machine, and bring each to what is wanted, in a safe order.

A run never trusts what was recorded: it begins with a survey and does what is left. So a run that
was killed is gone on with by the next one, and a machine that is done is not touched again.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from model import versions
from ops.errors import OperatorError
from ops.rollout import readiness
from ops.rollout.cluster_nodes import ClusterNodes
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import Action, ActionKind, required_actions
from ops.rollout.inspection import AT_ONCE, inspect_cluster
from ops.rollout.node_change import NodeChange
from ops.rollout.node_operations import PATIENCE_SECONDS, NodeOperations, node_operations
from ops.rollout.observed import ObservedMachine
from ops.rollout.progress import Progress
from ops.rollout.scheduling import run_bounded, unhealthy_first

SETTINGS = (ActionKind.CONTROL, ActionKind.KUBELET)


class RolloutRun:
    """The run for one cluster; workers are changed at most `at_once` at a time."""

    def __init__(
        self,
        cluster: DesiredCluster,
        machines: Mapping[str, NodeOperations],
        nodes: ClusterNodes,
        progress: Progress,
        *,
        at_once: int,
    ) -> None:
        self._cluster = cluster
        self._machines = machines
        self._nodes = nodes
        self._progress = progress
        self._at_once = at_once
        self._found: dict[str, ObservedMachine] = {}
        self._left: dict[str, list[Action]] = {}
        self._done: set[str] = set()
        self.changed = False

    @classmethod
    def of(cls, props: Mapping[str, Any], progress: Progress) -> "RolloutRun":
        """Read the rollout's inputs."""
        return cls(
            DesiredCluster.of(props),
            node_operations(props),
            ClusterNodes.of(props),
            progress,
            at_once=int(props["policy"]["max_unavailable"]),
        )

    def run(self, *, record_initial: bool) -> dict[str, ObservedMachine]:
        """Do what is left to be done; return what every machine is like in the end.

        With `record_initial`, machines that have recorded nothing yet have joined with the settings
        that are wanted.
        """
        self._look(record_initial=record_initial)
        if not any(each.api_answers for each in self._found.values()):
            self._revive()
            self._look()
        self._refuse_unknown()
        self._finish_upgrade()
        self._refuse_skew()
        if not self._left:
            return self._found
        self.changed = True
        self._upload()
        for turn in self._turns(self._cluster.control_planes):
            self._control_plane(turn)
        run_bounded(self._turns(self._cluster.workers), self._at_once, NodeChange.apply)
        self._look()
        self._clean()
        self._refuse_left()
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
            if (left := required_actions(self._found[each.name], each))
        }

    def _revive(self) -> None:
        """Mend control planes that keep the API from answering."""
        for machine in self._cluster.control_planes:
            if ActionKind.REPAIR in self._kinds(machine.name):
                self.changed = True
                self._progress.step(machine.name, "putting right what keeps the API away")
                self._machines[machine.name].run("repair")
                why = "; ".join(each.why for each in self._left[machine.name])
                self._progress.done(machine.name, f"put right ({why})")
        readiness.await_ready(self._nodes, ())

    def _refuse_unknown(self) -> None:
        for name, found in self._found.items():
            if found.unreachable:
                raise OperatorError(
                    f"{name}: {found.unreachable}. Nothing was changed on any machine of "
                    f"{self._cluster.name}. If the machine is gone for ever, replace it"
                )
            if not found.is_member:
                raise OperatorError(
                    f"{name} runs, but is no member of {self._cluster.name} any more: replace it "
                    "with `pulumi up --replace` and the URN of its machine"
                )

    def _finish_upgrade(self) -> None:
        """Have the cluster's own objects upgraded where a run was killed just before that."""
        recorded = self._nodes.recorded_version()
        planes = self._cluster.control_planes
        if recorded == self._cluster.version or any(
            ActionKind.UPGRADE in self._kinds(each.name) for each in planes
        ):
            return
        why = f"the cluster's own objects are of {recorded}"
        self._left.setdefault(planes[0].name, []).append(Action(ActionKind.UPGRADE, why))

    def _refuse_skew(self) -> None:
        for machine in self._cluster.control_planes:
            if ActionKind.UPGRADE in self._kinds(machine.name):
                found = self._found[machine.name].version
                if reason := versions.skew_error(found, machine.version):
                    raise OperatorError(f"{machine.name}: {reason}")

    def _clean(self) -> None:
        """Remove what is left of former versions, now that nothing in the cluster asks for them."""
        todo = [name for name in self._left if ActionKind.CLEAN in self._kinds(name)]
        for name in todo:
            self._progress.step(name, "removing what is left of other versions")
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda name: self._machines[name].run("clean"), todo))
        for name in todo:
            left = [each for each in self._left.pop(name) if each.kind != ActionKind.CLEAN]
            if left:
                self._left[name] = left

    def _refuse_left(self) -> None:
        for name, left in self._left.items():
            why = " and ".join(each.why for each in left)
            raise OperatorError(
                f"{name}: {why}, although that was mended just now: something keeps changing it; "
                "find out what, then run `pulumi up` again"
            )

    def _upload(self) -> None:
        """Have later joins begin with the settings that are wanted; an upgrade does that itself."""
        kinds = {each.kind for left in self._left.values() for each in left}
        if (
            not kinds.intersection(SETTINGS)
            or self._nodes.recorded_version() != self._cluster.version
        ):
            return
        for machine in self._cluster.control_planes:
            if self._found[machine.name].is_ready:
                self._progress.step(machine.name, "uploading the cluster's settings")
                self._machines[machine.name].run("upload_configuration")
                return
        raise OperatorError(
            f"no control plane of {self._cluster.name} is Ready, so that its settings cannot be "
            "changed: see what `pulumi refresh` finds, mend it and run `pulumi up` again"
        )

    def _turns(self, machines: Iterable[DesiredMachine]) -> list[NodeChange]:
        turns = [
            NodeChange(
                machine=self._machines[each.name],
                left=left,
                serves=self._found[each.name].is_ready,
                nodes=self._nodes,
                progress=self._progress,
            )
            for each in machines
            if (left := self._turned(each.name))
        ]
        return unhealthy_first(turns, lambda turn: turn.serves)

    def _control_plane(self, turn: NodeChange) -> None:
        """Touch one control plane while all others do their share."""
        if turn.restarts_services:
            name = turn.machine.name
            self._progress.step(name, "waiting for the other control planes to be healthy")
            readiness.await_control_planes(
                self._machines[each.name]
                for each in self._cluster.control_planes
                if each.name != name and self._serves(each.name)
            )
        turn.apply()
        self._done.add(turn.machine.name)
        if turn.restarts_services:
            turn.machine.run("await_health")

    def _serves(self, name: str) -> bool:
        """Whether a machine is to be counted on: what is broken is mended before the others."""
        return self._found[name].is_ready or name in self._done or not self._turned(name)

    def _turned(self, name: str) -> tuple[Action, ...]:
        """What is done to the machine when it is its turn; the rest is done to all in the end."""
        return tuple(each for each in self._left.get(name, ()) if each.kind != ActionKind.CLEAN)

    def _kinds(self, name: str) -> set[ActionKind]:
        return {each.kind for each in self._left.get(name, ())}
