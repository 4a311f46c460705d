"""The change of one machine during its turn."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ops.errors import OperatorError
from ops.interruption import stop_before
from ops.rollout import actions, readiness
from ops.rollout.action_kind import Action, ActionKind, When
from ops.rollout.diff import kinds_of, not_covered
from ops.rollout.target import Target


@dataclass(frozen=True)
class NodeChange:
    """A machine with its remaining actions."""

    target: Target
    left: Sequence[Action]

    @property
    def restarts_services(self) -> bool:
        """Whether any action restarts services on the machine."""
        return any(kind.restarts_services for kind in self._kinds)

    def apply(self) -> None:
        """Execute all remaining actions; if one fails, undo those begun."""
        began = time.monotonic()
        begun: list[ActionKind] = []
        try:
            self._execute(begun)
            self.target.machine.run("record_applied")
        except Exception:
            self._undo(begun)
            raise
        why = "; ".join(dict.fromkeys(action.why for action in self.left))
        self.target.done(f"done in {time.monotonic() - began:.1f} s ({why})")

    @property
    def _kinds(self) -> list[ActionKind]:
        return not_covered(kinds_of(self.left))

    def _execute(self, begun: list[ActionKind]) -> None:
        """Run every action in order; the Node is uncordoned only when it is Ready."""
        for kind in self._kinds:
            if kind.check is not None:
                kind.check(self.target)
        if any([self._must_drain(kind) for kind in self._kinds]):
            self._drain()
        for kind in self._kinds:
            if kind.when is When.IN_TURN:
                self._stop(kind)
                self._run(kind, begun)
        if any(kind.needs_ready for kind in self._kinds):
            self.target.step("waiting for its Node to be Ready")
            readiness.await_ready(self.target.nodes, [self.target.name])
        for kind in actions.ACTIONS:
            if kind.when is When.CLOSING:
                self._run(kind, begun)

    def _must_drain(self, kind: ActionKind) -> bool:
        return kind.drains and not (kind.spares is not None and kind.spares(self.target))

    def _stop(self, kind: ActionKind) -> None:
        """Stop before an action if the run was interrupted; the next run continues with it."""
        drained = any(its.drains for its in self._kinds)
        state = ", whose Node stays cordoned" if drained else ""
        stop_before(f"the action {kind.name} on {self.target.name}{state}")

    def _run(self, kind: ActionKind, begun: list[ActionKind]) -> None:
        if kind.doing:
            self.target.step(kind.doing.format(version=self.target.wanted.version))
        begun.append(kind)
        kind.run(self.target)

    def _drain(self) -> None:
        """Drain the Node, once for all actions; one that is gone has nothing to drain.

        A Node that was not Ready when it was inspected may be back, and its pods with it.
        """
        if self.target.nodes.find(self.target.name) is None:
            return
        self.target.step("draining")
        self.target.nodes.cordon(self.target.name)
        if stay := self.target.nodes.drain(self.target.name, self.target.step):
            replaced = any(kind.replaces_pods for kind in self._kinds)
            what = "to be deleted" if replaced else "left where they are"
            self.target.done(f"{what}, since no other Node can take them: {stay}")

    def _undo(self, begun: Sequence[ActionKind]) -> None:
        """Undo the begun actions in reverse order, unless they roll back by themselves."""
        for kind in reversed(begun):
            if kind.undo is None:
                continue
            try:
                kind.undo(self.target)
            except OperatorError as error:
                self.target.done(f"{kind.name} could not be undone: {error}")
            else:
                self.target.done(f"{kind.name} was undone")
