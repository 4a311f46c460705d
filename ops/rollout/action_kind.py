"""What a rollout must know of a kind of action: one row of the table in actions.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from ops.rollout.desired import ClusterChange, DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedMachine
from ops.rollout.target import Target


class When(Enum):
    """When in a run an action is executed."""

    IN_TURN = auto()
    """On its machine alone, when it is the machine's turn."""
    CLOSING = auto()
    """At the end of every machine's turn, also where only an action before made it necessary."""
    AT_END = auto()
    """On all machines that need it at once, when every machine is what is wanted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class ActionKind:
    """A row of the table.

    What it is and why it is needed:
    - `name`: identifies it in the stack's state;
    - `reasons`: why a machine needs it, as a person reads it; nothing where it does not;
    - `planned`: the same for a machine whose inputs changed, before anybody looked at it; without
      it, `reasons` is asked about a machine that is as its inputs said;
    - `cluster_reasons`: why the cluster itself needs it, from the version that it records; the
      first control plane does it then;
    - `refusal`: why it cannot be done; "" where it can. Asked before any machine is changed.

    What the preview says of it:
    - `effect`: what it does to a machine, but for the drain and what follows from that;
    - `on_control_plane`: the same of a control plane, where it does more there;
    - `only_api`: what is added of the only control plane;

    How it is executed:
    - `run`, while progress shows `doing`; `check` comes before it and before the drain;
    - `undo`: takes it back when it fails, or anything that follows it in the machine's turn; None
      where the operation rolls back by itself, or the next run resumes it;
    - `drains`: the Node is cordoned and drained before;
    - `restarts_services`: on a control plane, all others must be healthy before, and it after;
    - `needs_ready`: its end is a Node that is Ready;
    - `restores_api`: done at once on control planes while the API does not answer;
    - `needs_upload`: the cluster's documents must be uploaded before;
    - `covers`: names of actions that it does as well.
    """

    name: str
    reasons: Callable[[ObservedMachine, DesiredMachine], Iterable[str]]
    planned: Callable[[DesiredMachine, DesiredMachine, ClusterChange], Iterable[str]] | None = None
    cluster_reasons: Callable[[str, DesiredCluster], Iterable[str]] | None = None
    refusal: Callable[[ObservedMachine, DesiredMachine], str] | None = None
    effect: str
    on_control_plane: str = ""
    only_api: str = ""
    doing: str = ""
    run: Callable[[Target], object]
    check: Callable[[Target], object] | None = None
    undo: Callable[[Target], object] | None = None
    when: When = When.IN_TURN
    drains: bool = False
    restarts_services: bool = False
    needs_ready: bool = True
    restores_api: bool = False
    needs_upload: bool = False
    covers: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ActionKind({self.name})"


@dataclass(frozen=True)
class Action:
    """One thing to be done, and why, as a person reads it."""

    kind: ActionKind
    why: str
