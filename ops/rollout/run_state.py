"""The state of a run's machines: their last inspection, remaining actions and finished turns."""

from collections.abc import Iterator, Mapping

from ops.rollout import unavailable
from ops.rollout.action_kind import Action, ActionKind, When
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.diff import kinds_of, required_actions
from ops.rollout.observed import ObservedMachine


class RunState:
    """The machines of one run.

    `found` is their last inspection, `left` their actions, `done` are those that had their turns.
    `skipped` are workers that could not be changed, with the reason (see unavailable.py), and
    `pending` are the changes that they still need, as far as they are known.
    """

    def __init__(self, cluster: DesiredCluster) -> None:
        self._cluster = cluster
        self.found: dict[str, ObservedMachine] = {}
        self.left: dict[str, list[Action]] = {}
        self.done: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.pending: dict[str, str] = {}

    def inspected(self, found: dict[str, ObservedMachine]) -> None:
        """Record an inspection, and the actions that it makes necessary."""
        self.found = found
        self.left = {
            machine.name: left
            for machine in self._cluster.machines
            if machine.name not in self.skipped
            and (left := required_actions(found[machine.name], machine))
        }

    def skip(self, name: str, reason: str) -> None:
        """Skip a worker in this run; its change is pending."""
        self.skipped[name] = reason
        if left := self.left.pop(name, None):
            self.pending[name] = " and ".join(action.why for action in left)

    def skip_unavailable(self) -> dict[str, str]:
        """Skip workers that cannot be changed; return control planes of this kind, and why."""
        reasons = {name: unavailable.reason_of(found) for name, found in self.found.items()}
        lost = {name: reason for name, reason in reasons.items() if reason}
        for worker in self._cluster.workers:
            if reason := lost.pop(worker.name, ""):
                self.skip(worker.name, reason)
        return lost

    def skip_lost(self, before: Mapping[str, ObservedMachine]) -> None:
        """Skip workers whose Nodes were lost before the run and are still not Ready."""
        for machine in self._cluster.workers:
            node = self.found[machine.name].node
            is_unready = node is not None and not node.ready
            if is_unready and unavailable.was_lost(before[machine.name]):
                self.skipped.setdefault(machine.name, "its Node is not Ready")

    def changed_machines(self) -> Iterator[tuple[DesiredMachine, list[ActionKind]]]:
        """Return the machines with actions, in their order, and the kinds of these."""
        for machine in self._cluster.machines:
            if machine.name in self.left:
                yield machine, self.kinds(machine.name)

    def kinds(self, name: str) -> list[ActionKind]:
        """Return the kinds of a machine's actions."""
        return kinds_of(self.left.get(name, ()))

    def in_turn(self, name: str) -> tuple[Action, ...]:
        """Return the actions of the machine's turn; the rest is done on all machines together."""
        left = self.left.get(name, ())
        return tuple(action for action in left if action.kind.when not in (When.FIRST, When.AT_END))

    def serves(self, name: str) -> bool:
        """Whether a machine can be relied on; unhealthy ones are fixed before the others."""
        return self.found[name].is_ready or name in self.done or not self.in_turn(name)

    def is_available(self, name: str) -> bool:
        """Whether its Node is Ready or became Ready in its turn, even if it is unreachable."""
        node = self.found[name].node
        return name in self.done or (node is not None and node.ready)
