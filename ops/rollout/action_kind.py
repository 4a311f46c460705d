"""A kind of action in a rollout: one row of the table of actions (actions.py)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine
from ops.rollout.target import Target


class When(Enum):
    """The phase of a run in which an action is executed."""

    FIRST = auto()
    """On all machines that need it in parallel, before the first turn."""
    IN_TURN = auto()
    """On its machine alone, when it is the machine's turn."""
    CLOSING = auto()
    """At the end of every machine's turn, also where only an action before made it necessary."""
    AT_END = auto()
    """On all machines that need it in parallel, when every machine is in its desired state."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ActionKind:
    """A row of the table.

    Identity and reasons:
    - `name`: its identifier in the stack's state;
    - `reasons`: why a machine needs it, as shown to the user; empty if it does not;
    - `subject`: what of the desired state it changes; its rollout is recorded. "" for a repair;
    - `planned`: the same for a machine whose inputs changed, before it is inspected; without it,
      `reasons` is evaluated for a machine in the state of its inputs;
    - `cluster_reasons`: why the cluster itself needs it, given what it records; the first control
      plane then executes it;
    - `on_workers`: whether workers may need it, too;
    - `refusal`: why it cannot be done; "" if it can. Evaluated before any machine is changed.

    Preview text:
    - `effect`: its effect on a machine, without the drain and its consequences;
    - `on_control_plane`: its effect on a control plane, if it does more there;
    - `restarted_pods`: the control plane's pods that a change of inputs restarts;
    - `api_seconds`: about how long the only control plane serves no API (docs/performance.md);

    Execution:
    - `run`, while progress shows `doing`; `check` runs before it and before the drain;
    - `undo`: undoes it if it, or a later action in the machine's turn, fails; None if the operation
      rolls back by itself or the next run resumes it;
    - `drains`: the Node is cordoned and drained first;
    - `replaces_pods`: pods that no other machine can take are deleted as well, since they would
      keep what it changes; without it, they stay and keep running;
    - `spares`: asked before the drain: whether the machine itself says that it needs none for this;
    - `restarts_services`: on a control plane, all others must be healthy before, and it after;
    - `needs_ready`: it ends when the Node is Ready;
    - `restores_api`: executed first on control planes while the API does not answer;
    - `covers`: names of actions whose work it includes.
    """

    name: str
    reasons: Callable[[ObservedMachine, DesiredMachine], Iterable[str]]
    subject: str = ""
    planned: Callable[[DesiredMachine, DesiredMachine, ClusterChange], Iterable[str]] | None = None
    cluster_reasons: Callable[[ObservedCluster, DesiredCluster], Iterable[str]] | None = None
    on_workers: bool = True
    refusal: Callable[[ObservedMachine, DesiredMachine], str] | None = None
    effect: str
    on_control_plane: str = ""
    restarted_pods: Callable[[ClusterChange], Sequence[str]] | None = None
    api_seconds: int = 0
    doing: str = ""
    run: Callable[[Target], object]
    check: Callable[[Target], object] | None = None
    undo: Callable[[Target], object] | None = None
    when: When = When.IN_TURN
    drains: bool = False
    replaces_pods: bool = False
    spares: Callable[[Target], bool] | None = None
    restarts_services: bool = False
    needs_ready: bool = True
    restores_api: bool = False
    covers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ActionKind({self.name})"


@dataclass(frozen=True)
class Action:
    """One action, and the reason for it, as shown to the user."""

    kind: ActionKind
    why: str
