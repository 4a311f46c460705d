"""What is known of a rotation before its next phase: refusals, and what the person should know."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from model.pki import certificates
from model.rotation_phases import CAS, FINISH, PREPARE, is_under_way, refusal
from ops.errors import OperatorError
from ops.pulumi.deployment import Deployment
from scripts.fleet.changes import Change, Changes, Subject

KINDS = ("CertificateAuthority", "ServiceAccountKey", "EncryptionKeys")
NEW_OR_GONE = (Change.CREATED, Change.REMOVED, Change.REPLACED)


@dataclass(frozen=True)
class Reached:
    """The phase of a subject in the state and on its machines, "" if none; when its CA was made."""

    phase: str = ""
    machines: str = ""
    created: datetime | None = None


def reached(deployment: Deployment, cluster: str, subject: str) -> Reached:
    """Return what the state has of a cluster's subject."""
    name = f"{cluster}-{subject}"
    found = [each for kind in KINDS for each in deployment.of_kind(kind) if each.name == name]
    if not found:
        return Reached()
    outputs = found[0].outputs
    certificate = outputs.get("certificate", "") if subject in CAS else ""
    rollouts = {each.name: each.outputs for each in deployment.of_kind("Rollout")}
    rolled: Mapping[str, str] = rollouts.get(f"{cluster}-rollout", {}).get("rotations") or {}
    return Reached(
        outputs.get("phase", ""),
        rolled.get(subject, ""),
        certificates.created(certificate) if certificate else None,
    )


def reject_impossible(deployment: Deployment, subject: str, wanted: Mapping[str, str]) -> None:
    """Raise OperatorError for a phase, by cluster, that cannot follow the one in the state."""
    for cluster, phase in wanted.items():
        state = reached(deployment, cluster, subject)
        if reason := refusal(state.phase, phase):
            raise OperatorError(
                f"{cluster}: the rotation of {subject} cannot go from {state.phase or 'no phase'} "
                f"to {phase}: {reason}. Nothing was changed"
            )


def is_there(deployment: Deployment, subject: str, cluster: str, phase: str) -> bool:
    """Whether the CA and its machines are in this phase."""
    state = reached(deployment, cluster, subject)
    return state.phase == phase and state.machines in (phase, "")


def notes(deployment: Deployment, subject: str, wanted: Mapping[str, str]) -> Iterator[str]:
    """Yield for each cluster which rotation begins, and which phase is repeated."""
    for cluster, phase in wanted.items():
        state = reached(deployment, cluster, subject)
        if phase == PREPARE and not is_under_way(state.phase):
            last = f"; its last one is complete{_since(state)}" if state.phase == FINISH else ""
            yield f"{cluster}: this begins a new rotation of {subject}{last}"
        elif phase == state.phase:
            yield (
                f"{cluster}: {subject} is already in the phase {phase}, its machines are in "
                f"{state.machines or 'none'}: this run brings them there"
            )


def others(changes: Changes, clusters: Collection[str]) -> list[str]:
    """Name what a plan changes besides a rotation of these clusters, which keeps every machine."""
    found = [
        f"cluster {name}"
        for name, cluster in sorted(changes.clusters.items())
        if name not in clusters and cluster.change
    ]
    for name in clusters:
        machines = changes.clusters[name].machines if name in changes.clusters else {}
        found += [f"{each} ({how})" for each, its in sorted(machines.items()) if (how := _how(its))]
    return found


def _how(machine: Subject) -> str:
    """Return what a rotation does not do to a machine; "" if nothing."""
    if machine.change in NEW_OR_GONE:
        return str(machine.change)
    return "drained" if machine.is_drained else ""


def _since(state: Reached) -> str:
    return f", its CA is from {state.created.astimezone():%Y-%m-%d %H:%M}" if state.created else ""
