"""Unsafe steps of a rotation, rejected in the preview by what machines have.

A CA is in its next phase before its machines are: only a rollout that succeeded says that they are,
too.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from model import rotation_phases
from model.rotation_phases import (
    CA,
    ENCRYPTION,
    FINISH,
    FRONT_PROXY_CA,
    NEXT,
    SERVICE_ACCOUNT,
    SWITCH,
)
from ops.errors import OperatorError
from ops.kube.pod import few
from ops.kube.trust_holders import Holders
from ops.rollout.cluster_change import ClusterChange

# A kubelet replaces the token of a pod after four fifths of an hour.
TOKENS = timedelta(hours=1)
# For how long a component may use a certificate of the predecessor: clients read theirs again
# within five minutes, API servers the front proxy's within one, etcd's are read at each connection.
SETTLING = {CA: timedelta(minutes=6), FRONT_PROXY_CA: timedelta(seconds=90)}


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
                f"{becomes or 'the end'} of the rotation of {name}: the last completed rollout had "
                f"{was or 'no phase'}. {_remedy(change.after.name, name, was, reason)}"
            )
        # Workers have nothing of what encrypts Secrets.
        if was == SWITCH and becomes == FINISH and unavailable and name != ENCRYPTION:
            raise OperatorError(
                f"cluster {change.after.name}: the rotation of {name} cannot be finished while "
                f"{', '.join(sorted(unavailable))} cannot be changed: they would be cut off. "
                "Set the phase to switch again, bring these machines back or remove them from the "
                "config, and complete a `fleet up`"
            )


def _remedy(cluster: str, name: str, was: str, reason: str) -> str:
    """Say how to get to the phase that was refused."""
    if was == SWITCH:
        return reason.capitalize()
    path = f"clusters/{cluster}/rotations/{rotation_phases.config_key(name)}"
    return f"Set {path} to {NEXT[was]}, complete a `fleet up`, and continue then"


def concerns_others(change: ClusterChange) -> bool:
    """Whether pods and Secrets may need what is to be trusted no longer."""
    return change.finishes(CA) or change.finishes(SERVICE_ACCOUNT)


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


def reject_tokens(cluster: str, secrets: Sequence[str], acknowledged: str) -> None:
    """Raise OperatorError if tokens of the former key are in Secrets, where they never expire."""
    if secrets and not acknowledged:
        raise OperatorError(
            f"cluster {cluster}: the rotation of {SERVICE_ACCOUNT} cannot be finished: the former "
            f"key signed the tokens in the Secrets {few(secrets)}: create them again, or set "
            f"clusters/{cluster}/rotations/acknowledge to why they may be refused"
        )


def tokens_until(change: ClusterChange, rolled: str) -> datetime | None:
    """Return until when pods may have tokens of a service-account key that is to go, if they may.

    `rolled` is when machines were changed last (ISO 8601).
    """
    if not change.finishes(SERVICE_ACCOUNT) or not rolled:
        return None
    until = datetime.fromisoformat(rolled) + TOKENS
    return until if datetime.now(UTC) < until else None


def reject_early(change: ClusterChange, rolled: str, acknowledged: str) -> None:
    """Raise OperatorError while pods may have tokens of a service-account key that is to go."""
    until = tokens_until(change, rolled)
    if until and not acknowledged:
        raise OperatorError(
            f"cluster {change.after.name}: the rotation of {SERVICE_ACCOUNT} cannot be finished "
            f"before {until:%H:%M} UTC, since pods may have tokens of the former key until then. "
            f"If that key has leaked, use `fleet rotate {SERVICE_ACCOUNT} --now`"
        )


def seconds_to_settle(change: ClusterChange, rolled: str, immediate: str = "") -> float:
    """Return how long some components may still use certificates of a CA that is to be removed.

    `rolled` is when machines were changed last (ISO 8601); for the `immediate` subject, they were
    restarted then, or may fail for as long.
    """
    ends = (name for name in SETTLING if name != immediate and change.finishes(name))
    longest = max((SETTLING[name] for name in ends), default=None)
    if longest is None or not rolled:
        return 0
    left = datetime.fromisoformat(rolled) + longest - datetime.now(UTC)
    return max(0, left.total_seconds())
