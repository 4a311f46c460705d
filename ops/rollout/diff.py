"""The actions that one machine requires: each row of the table applied to its observed state."""

from collections.abc import Iterable, Mapping, Sequence

from ops.rollout import actions, node_rows
from ops.rollout.action_kind import Action, ActionKind
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine


def required_actions(found: ObservedMachine, wanted: DesiredMachine) -> list[Action]:
    """Return the actions that the machine requires; none if it is unreachable."""
    if found.unreachable:
        return []
    return [Action(kind, why) for kind in actions.ACTIONS for why in kind.reasons(found, wanted)]


def add_cluster_actions(
    observed: ObservedCluster, cluster: DesiredCluster, left: dict[str, list[Action]]
) -> None:
    """Let the first control plane execute the cluster's own actions that no other one has."""
    planned = {
        action.kind for machine in cluster.control_planes for action in left.get(machine.name, ())
    }
    own = [
        Action(kind, why)
        for kind in actions.ACTIONS
        if kind.cluster_reasons is not None and kind not in planned
        for why in kind.cluster_reasons(observed, cluster)
    ]
    if own:
        left.setdefault(cluster.control_planes[0].name, []).extend(own)


def kinds_of(left: Iterable[Action]) -> list[ActionKind]:
    """Return the kinds of these actions in execution order."""
    needed = {action.kind for action in left}
    return [kind for kind in actions.ACTIONS if kind in needed]


def not_covered(kinds: Sequence[ActionKind]) -> list[ActionKind]:
    """Return these kinds without those that another one covers."""
    covered = {name for kind in kinds for name in kind.covers}
    return [kind for kind in kinds if kind.name not in covered]


def to_state(left: Iterable[Action]) -> list[Mapping[str, str]]:
    """Return the remaining actions in the format of the stack's state."""
    return [{"kind": action.kind.name, "why": action.why} for action in left]


def from_state(recorded: Iterable[Mapping[str, str]]) -> list[Action]:
    """Read the format of `to_state`; what only another version of this program has is a repair."""
    return [
        Action(actions.named(action["kind"]) or node_rows.REPAIR, action["why"])
        for action in recorded
    ]
