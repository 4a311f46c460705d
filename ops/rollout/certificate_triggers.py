"""Reasons for an action that concern certificates, and the CAs that are accepted.

As in triggers.py, each function yields reasons as shown to the user.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from model.pki import leaves, serving
from model.rotation_phases import CA, FINISH
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import MISSING, DesiredMachine
from ops.rollout.observed import ObservedMachine

# The kubelet's client certificate, as scripts/node/validity.sh names it.
KUBELET_CLIENT = "kubelet-client"
PEOPLE = "the people whose certificates it accepts changed"
OWN_CA = "the CAs of its clients include the cluster's own"


def client_authorities(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The API server accepts client certificates of other CAs than the desired ones."""
    if not wanted.is_control_plane or found.clients == wanted.clients:
        return
    if found.clients == MISSING:
        yield "the CAs of its clients are missing"
    elif left := list(_differing(found.people, wanted.people)):
        yield from left
    else:
        yield "the CAs of its clients changed"


def _differing(found: tuple[str, ...] | None, wanted: tuple[str, ...] | None) -> Iterator[str]:
    """Yield whose certificates are accepted against the config, and whose are not."""
    if found is None or wanted is None:
        return
    if ended := [name for name in wanted if name not in found]:
        yield (
            f"certificates of {', '.join(ended)} are not accepted yet, or no longer since "
            "`fleet revoke`; they will be unless people.users has `revoked: true`"
        )
    if more := [name for name in found if name not in wanted]:
        yield f"certificates of {', '.join(more)} are accepted, without access in the config"


def planned_client_authorities(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """People come or go, or the cluster's own CA is rotated."""
    if wanted.is_control_plane and was.clients != wanted.clients:
        yield OWN_CA if CA in change.rotations else _changed(was.people, wanted.people)


def _changed(was: tuple[str, ...] | None, wanted: tuple[str, ...] | None) -> str:
    """Say who is added and removed, as far as that is known."""
    if was is None or wanted is None:
        return PEOPLE
    names = [
        *(f"+{name}" for name in wanted if name not in was),
        *(f"-{name}" for name in was if name not in wanted),
    ]
    return f"{PEOPLE} ({', '.join(names)})" if names else PEOPLE


def invalid_leaves(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """Leaf certificates of a control plane are missing or have expired."""
    names: dict[str, list[str]] = {}
    for name, state in found.invalid_certificates.items():
        if name != KUBELET_CLIENT:
            names.setdefault(state, []).append(name)
    for state, its in names.items():
        yield f"the certificate of {'each of ' if its[1:] else ''}{', '.join(its)} {state}"


def invalid_kubelet_certificate(found: ObservedMachine, _: DesiredMachine) -> Iterator[str]:
    """The kubelet has no valid client certificate, and cannot request one without it."""
    if state := found.invalid_certificates.get(KUBELET_CLIENT):
        yield f"the kubelet's client certificate {state}"


def serving_certificate(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Its kubelet's serving certificate is missing, wrong, or in the last third of its lifetime."""
    its, actual = "its kubelet's serving certificate", found.serving
    names = serving.names_of(wanted.name, wanted.address)
    if actual is None:
        yield f"{its} is missing"
    elif actual.issuer != (signer := wanted.signers[CA]):
        if leaves.key_of(actual.issuer) != leaves.key_of(signer):
            yield f"{its} is not of the cluster's CA"
        else:
            carries = "still carries" if leaves.has_chain(actual.issuer) else "does not carry"
            yield f"{its} {carries} the chain to the former CA"
    elif actual.names != names:
        listed = (", ".join(sorted(its_names)) for its_names in (actual.names, names))
        yield f"{its} is for {next(listed) or 'no name'} instead of {next(listed)}"
    elif not actual.is_paired:
        yield f"{its} does not match its key"
    elif (now := datetime.now(UTC)) >= actual.due:
        yield expiring(actual.expires, now)


def expiring(expires: datetime, now: datetime) -> str:
    """Say that a kubelet's serving certificate expires."""
    does = "expires" if now < expires else "expired"
    return f"its kubelet's serving certificate {does} on {expires:%Y-%m-%d at %H:%M} UTC"


def planned_serving_certificate(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Another key signs the cluster's certificates; another address is another machine.

    During a rotation, a preview knows its phase only.
    """
    if change.rotations.get(CA) == FINISH:
        yield "its kubelet's serving certificate still carries the chain to the former CA"
    elif change.reissues(CA) if CA in change.rotations else was.issuer_key != wanted.issuer_key:
        yield "another CA signs its kubelet's serving certificate"
