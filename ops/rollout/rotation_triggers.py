"""Reasons for the actions of a rotation: what a machine trusts, and which CA issued what it has.

Whoever trusts something only since it started is restarted for it. Each function yields reasons as
shown to the user; none if the action is not needed.
"""

from collections.abc import Iterator

from model.pki import leaves
from model.pki.leaves import KUBELET_CLIENT
from model.rotation_phases import CA, CAS, PREPARE
from ops.rollout.cluster_change import TAKEN_BACK, ClusterChange
from ops.rollout.desired import DesiredCluster, DesiredMachine
from ops.rollout.observed import ObservedCluster, ObservedMachine


def trust(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The machine trusts other CAs or keys than the desired ones."""
    if found.trust != wanted.trust:
        yield "the CAs and keys that it trusts are not the desired ones"


def planned_trust(
    was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Another phase of a rotation is desired, or another CA."""
    rotated = [
        f"rotation of {name}: {phase}"
        for name, phase in change.rotations.items()
        if wanted.is_control_plane or name == CA
    ]
    yield from rotated
    if not rotated and not change.rotations and was.trust != wanted.trust:
        yield "the cluster's CAs or keys are replaced"


def former_certificates(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """Another CA issued leaf certificates than the one that signs now, or they show another one."""
    names = former_leaves(found, wanted)
    signers = {name: leaves.key_of(leaves.wanted(name, wanted.signers)) for name in names}
    if former := [name for name in names if leaves.key_of(found.issuers[name]) != signers[name]]:
        yield f"another CA than the current one issued the certificates of {', '.join(former)}"
    same = [name for name in names if name not in former]
    if kept := [name for name in same if leaves.has_chain(found.issuers[name])]:
        yield f"the certificates of {', '.join(kept)} still carry the chain to the former CA"
    if bare := [name for name in same if name not in kept]:
        yield f"the certificates of {', '.join(bare)} do not carry the chain to the former CA"


def planned_former_certificates(
    _was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Another CA signs from now on, or is shown alone."""
    if not wanted.is_control_plane:
        return
    for name in change.rotations:
        if name not in CAS or not change.reissues(name):
            continue
        if change.finishes(name):
            yield f"its leaf certificates still carry the chain to the former {name}"
        else:
            yield f"another {name} issues its leaf certificates"


def former_leaves(found: ObservedMachine, wanted: DesiredMachine) -> list[str]:
    """Return the leaves of a control plane that are not as the CA that signs now issues them."""
    return [
        name
        for name, issuer in found.issuers.items()
        if wanted.is_control_plane
        and name != KUBELET_CLIENT
        and issuer != leaves.wanted(name, wanted.signers)
    ]


def kubelet(found: ObservedMachine, wanted: DesiredMachine) -> Iterator[str]:
    """The kubelet's certificate is of another CA, or the kubelet has not read what it trusts."""
    if has_former_certificate(found, wanted):
        yield "another CA than the current one issued the kubelet's client certificate"
    elif wanted.ca_phase != PREPARE and found.kubelet_ca != wanted.cluster_ca:
        yield "the kubelet does not know the cluster's current CA"


def planned_kubelet(
    _was: DesiredMachine, wanted: DesiredMachine, change: ClusterChange
) -> Iterator[str]:
    """Another CA signs from now on, or one is no longer trusted."""
    if change.rotations.get(CA) == TAKEN_BACK:
        yield "the kubelet is to forget the successor, if it has started since `prepare`"
    elif CA in change.rotations and (change.reissues(CA) or wanted.ca_phase != PREPARE):
        yield "the kubelet is to use the cluster's current CA"


def has_former_certificate(found: ObservedMachine, wanted: DesiredMachine) -> bool:
    """Whether another CA than the one that signs now issued the kubelet's client certificate."""
    issuer = found.issuers.get(KUBELET_CLIENT)
    return issuer is not None and issuer != leaves.wanted(KUBELET_CLIENT, wanted.signers)


def published(observed: ObservedCluster, cluster: DesiredCluster) -> Iterator[str]:
    """API servers published CAs that are not trusted any longer: they never remove one."""
    if observed.clients != cluster.clients:
        yield "aggregated API servers accept clients of other CAs than the API servers"
    elif observed.front_proxy != cluster.front_proxy:
        yield "aggregated API servers accept requests of another front-proxy CA"
