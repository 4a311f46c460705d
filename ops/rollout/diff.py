"""What must be done to one machine: each row of the table asked about what was found."""

from collections.abc import Iterable, Mapping, Sequence

from ops.rollout import actions
from ops.rollout.action_kind import Action, ActionKind
from ops.rollout.desired import DesiredMachine
from ops.rollout.observed import ObservedMachine


def required_actions(found: ObservedMachine, wanted: DesiredMachine) -> list[Action]:
    """Return what must be done to the machine; nothing of one that cannot be reached."""
    if found.unreachable:
        return []
    return [Action(kind, why) for kind in actions.ACTIONS for why in kind.reasons(found, wanted)]


def kinds_of(left: Iterable[Action]) -> list[ActionKind]:
    """Return the kinds among these actions in the order in which they are done."""
    needed = {each.kind for each in left}
    return [kind for kind in actions.ACTIONS if kind in needed]


def not_covered(kinds: Sequence[ActionKind]) -> list[ActionKind]:
    """Return these kinds without those that another of them does as well."""
    covered = {name for kind in kinds for name in kind.covers}
    return [kind for kind in kinds if kind.name not in covered]


def to_state(left: Iterable[Action]) -> list[Mapping[str, str]]:
    """Return how the stack's state keeps what is left to be done."""
    return [{"kind": each.kind.name, "why": each.why} for each in left]


def from_state(recorded: Iterable[Mapping[str, str]]) -> list[Action]:
    """Read what `to_state` returned."""
    by_name = {kind.name: kind for kind in actions.ACTIONS}
    return [Action(by_name[each["kind"]], each["why"]) for each in recorded]
