"""What providers of CAs and keys have in common: which phase of a rotation may follow which."""

from collections.abc import Mapping

from model.rotation_phases import is_same, is_under_way, refusal
from ops.errors import OperatorError


def reject_new(olds: Mapping[str, object], phase: str, resource: str) -> None:
    """Raise OperatorError for a rotation of what does not exist yet."""
    if not olds and is_under_way(phase):
        raise OperatorError(
            f"{resource} is created in this run: its rotation cannot be in the phase {phase}. "
            "Remove the phase from `rotations` of its cluster"
        )


def moves(recorded: str, wanted: str, resource: str) -> bool:
    """Whether a phase is another state than the recorded one; reject one that cannot follow it."""
    if reason := refusal(recorded, wanted):
        raise OperatorError(
            f"the rotation of {resource} cannot go from {recorded or 'no phase'} to "
            f"{wanted or 'no phase'}: {reason}. Nothing was changed"
        )
    return not is_same(recorded, wanted)
