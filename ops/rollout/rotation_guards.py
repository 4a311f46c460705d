"""Unsafe steps of a rotation, rejected in the preview by what machines have.

A CA is in its next phase before its machines are: only a rollout that succeeded says that they are,
too.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from model import rotation_phases
from model.rotation_phases import FINISH, SWITCH
from ops.errors import OperatorError
from ops.kube.pod import few
from ops.kube.trust_holders import Holders
from ops.rollout.desired import ClusterChange

CA = "ca"
# Clients read their certificates again within five minutes, API servers within one.
SETTLING = timedelta(minutes=6)


def reject_rotation(change: ClusterChange, unavailable: Collection[str]) -> None:
    """Raise OperatorError for a phase that machines are not ready for.

    `unavailable` are the workers that the last rollout skipped. They need not have a successor
    before it signs, since it is shown to them with a certificate of its predecessor.
    """
    before, after = change.before.rotations, change.after.rotations
    for name in before.keys() | after.keys():
        was, becomes = before.get(name, ""), after.get(name, "")
        if reason := rotation_phases.refusal(was, becomes):
            raise OperatorError(
                f"cluster {change.after.name}: not all machines are in the phase before "
                f"{becomes or 'the end'} of the rotation of {name}: {reason}, and complete "
                "a `fleet up` in that phase"
            )
        if was == SWITCH and becomes == FINISH and unavailable:
            raise OperatorError(
                f"cluster {change.after.name}: the rotation of {name} cannot be finished while "
                f"{', '.join(sorted(unavailable))} cannot be changed: they would be cut off. "
                "Bring them back, or remove them from the config, and run `fleet up` in the phase "
                "switch"
            )


def finishes_ca(change: ClusterChange) -> bool:
    """Whether the predecessor of the cluster's CA is to be trusted no longer."""
    return change.before.rotations.get(CA) == SWITCH and change.after.rotations.get(CA) == FINISH


def reject_holders(cluster: str, holders: Holders, acknowledged: str) -> None:
    """Raise OperatorError if programs of others may know the former CA alone.

    Ours are restarted; `acknowledged` is why the others need not be.
    """
    if holders.others and not acknowledged:
        raise OperatorError(
            f"cluster {cluster}: the rotation of {CA} cannot be finished: {few(holders.others)} "
            "started before the new CA was published, and may not know it: restart them (`kubectl "
            "rollout restart`), or set clusters/"
            f"{cluster}/rotations/acknowledge to why they need not be"
        )


def seconds_to_settle(change: ClusterChange, rolled: str) -> float:
    """Return how long some components may still use certificates of a CA that is to be removed.

    `rolled` is when machines were changed last (ISO 8601).
    """
    before, after = change.before.rotations, change.after.rotations
    finished = any(before.get(name) == SWITCH and phase == FINISH for name, phase in after.items())
    if not finished or not rolled:
        return 0
    left = datetime.fromisoformat(rolled) + SETTLING - datetime.now(UTC)
    return max(0, left.total_seconds())
