"""Nodes leave their cluster in turns: no more are unavailable than the config allows.

A machine that is replaced leaves before its successor joins, so a run that replaces many machines
is a rollout: the next one leaves once enough of the others are registered and Ready again. That is
judged by the state of the cluster, whichever run caused it. A Node that is to stay in the cluster
counts while it is missing, cordoned by this program or not Ready; one that leaves permanently
counts until it is gone. A Node that is unavailable anyway never waits: replacing a dead machine
adds capacity. Workers that were lost before the run count, but one worker always has a turn, as in
a rollout (ops/rollout/unavailable.py).

Control planes join one after the other, the first of the config last, and none before that one is
prepared. So a control plane waits only for those that join before it; any other missing one would
stay missing until the wait times out, so such a wait is refused immediately.

A turn lasts while the Node is drained and deleted. Turns are taken in this process, which serves
all machines of a run, since two that ask at the same time would each see the other one Ready.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from model.machine import CONTROL_PLANE
from model.plural import counted
from ops.current_run import Group
from ops.errors import OperatorError
from ops.kube.client import poll_seconds
from ops.kube.liveness import TOLERATION_SECONDS
from ops.kube.node import Node
from ops.kube.nodes import Nodes
from ops.wait import NotYet, wait_until

# How long a machine may take to be reset, created, prepared and joined: the longest steps' limits.
RETURN_SECONDS = 1800.0
POLL_SECONDS = 1.0
NEVER = float("-inf")


@dataclass(frozen=True)
class Slots:
    """The machines that may wait at the same time in this process, of any cluster.

    Each occupies one of the engine's concurrent steps (`parallel`), which the successors need too.
    """

    parallel: int
    limit: int


@dataclass
class _Cluster:
    """Who has a turn in a cluster, whose turn failed, and its Nodes as they were read last."""

    lock: Lock = field(default_factory=Lock)
    leaving: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    nodes: Mapping[str, Node] | OperatorError = field(default_factory=dict)
    read_at: float = NEVER


_clusters: dict[str, _Cluster] = {}
_waiting: set[tuple[str, str]] = set()
# Nodes that will not come back in this run: a step of their successors failed.
_missed: set[str] = set()


@contextmanager
def coming_back(name: str) -> Iterator[None]:
    """Create, prepare or join a machine; if that fails, nobody waits for its Node any longer."""
    try:
        yield
    except Exception:
        _missed.add(name)
        raise


class Turn:
    """One Node's turn; `group` are its cluster's planned Nodes, and how many may be missing."""

    def __init__(
        self, nodes: Nodes, name: str, group: Group, report: Callable[[str], None]
    ) -> None:
        self._nodes = nodes
        self._name = name
        self._group = group
        self._report = report
        self._key = (nodes.client.access.server, name)
        self._cluster = _clusters.setdefault(nodes.client.access.server, _Cluster())

    @contextmanager
    def taken(self, slots: Slots) -> Iterator[None]:
        """Wait until the Node may leave, and hold its turn during the block.

        Raises OperatorError when others do not come back, or when too many wait already.
        """
        if others := self._enter():
            self._wait(others, slots)
        failed = True
        try:
            yield
            failed = False
        finally:
            self._end(failed=failed)

    def _wait(self, others: Mapping[str, str], slots: Slots) -> None:
        if len(_waiting) >= slots.limit:
            raise OperatorError(
                f"{self._name}: it cannot wait for its turn, since --parallel {slots.parallel} "
                f"allows no more than {counted(slots.limit, 'machine')} to wait. Nothing was "
                "changed on it: run `fleet up` again"
            )
        _waiting.add(self._key)
        try:
            self._await(others)
        finally:
            _waiting.discard(self._key)

    def _await(self, others: Mapping[str, str]) -> None:
        while others:
            others = self._await_another(others)

    def _await_another(self, others: Mapping[str, str]) -> Mapping[str, str]:
        """Wait until other machines than these are unavailable, and return them."""

        def another() -> Mapping[str, str]:
            nonlocal others
            if failed := self._cluster.failed & others.keys():
                raise self._refusal(f"{', '.join(sorted(failed))} could not leave (see its error)")
            if missed := _missed & others.keys():
                raise self._refusal(
                    f"{', '.join(sorted(missed))} did not come back (see its error)"
                )
            self._report(f"waiting for other machines: {_text(others)}")
            before, others = others, self._enter()
            if others.keys() == before.keys():
                raise NotYet(_text(others))
            return others

        return wait_until(
            another,
            RETURN_SECONDS,
            lambda found: self._refusal(f"after {RETURN_SECONDS:.0f} s: {found}"),
            stops=f"{self._name} was waiting for other machines; nothing was changed on it",
            poll_seconds=poll_seconds(len(self._group.nodes), POLL_SECONDS),
        )

    def _enter(self) -> Mapping[str, str]:
        """Take the turn and return {}, or return the unavailable Nodes, each with its state."""
        cluster = self._cluster
        with cluster.lock:
            found = self._read()
            unavailable = {
                name: state
                for name in sorted({*self._group.nodes, *cluster.leaving})
                if (state := self._state(found, name))
            }
            lost = [name for name in unavailable if self._was_lost(found.get(name))]
            awaited = {name: state for name, state in unavailable.items() if name not in lost}
            limit = max(1, self._group.limit - len(lost))
            if len(awaited) >= limit and not self._state(found, self._name):
                self._reject_endless_wait([name for name in awaited if name not in found])
                return awaited
            cluster.leaving.add(self._name)
            cluster.failed.discard(self._name)
            return {}

    def _was_lost(self, node: Node | None) -> bool:
        """Whether a worker was lost before this run, which does not bring it back."""
        is_worker = self._group.role != CONTROL_PLANE
        return is_worker and node is not None and node.unready_seconds >= TOLERATION_SECONDS

    def _reject_endless_wait(self, missing: Collection[str]) -> None:
        """Reject a control plane that would wait for one that cannot join before it is there."""
        first, *others = self._group.nodes or [""]
        if self._group.role != CONTROL_PLANE:
            return
        place = others.index(self._name) if self._name in others else 0
        later = [name for name in (first, *others[place:]) if name in missing]
        if later:
            names = ", ".join(later)
            raise self._refusal(
                f"{names} is not registered, and cannot join while {self._name} leaves: keep "
                f"{self._name} as it was in the config until {names} has joined"
            )

    def _end(self, *, failed: bool) -> None:
        with self._cluster.lock:
            self._cluster.read_at = NEVER
            self._cluster.leaving.discard(self._name)
            if failed:
                self._cluster.failed.add(self._name)

    def _read(self) -> Mapping[str, Node]:
        """Return the Nodes; all that wait share a reading, and its failure."""
        cluster = self._cluster
        if time.monotonic() - cluster.read_at > POLL_SECONDS:
            try:
                cluster.nodes = self._nodes.all()
            except OperatorError as error:
                cluster.nodes = error
            cluster.read_at = time.monotonic()
        if isinstance(cluster.nodes, OperatorError):
            raise cluster.nodes
        return cluster.nodes

    def _state(self, found: Mapping[str, Node], name: str) -> str:
        """Return what makes a Node unavailable; "" if it is available."""
        if name in self._cluster.leaving:
            return "is drained"
        if name in self._cluster.failed:
            return "could not leave"
        if name not in found:
            return "is not registered"
        node = found[name]
        return "is cordoned" if node.cordoned else "" if node.ready else "is not Ready"

    def _refusal(self, why: str) -> OperatorError:
        return OperatorError(
            f"{self._name} was not drained: {why}. At most {self._group.limit} of its kind may be "
            f"unavailable at a time. Nothing was changed on {self._name}. Bring the others back, "
            "or remove them from the config, then run `fleet up` again"
        )


def _text(others: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {state}" for name, state in others.items())
