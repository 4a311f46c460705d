"""A machine's membership in its cluster: how it leaves.

Create does nothing: the machine joins once it has a membership. A new machine behind the same name
replaces the membership, the old one first. Delete drains the Node and deletes it through the API of
any control plane that answers.

A control plane also leaves etcd: a dead one before anything else, since etcd counts it; a living
one once it is drained. No member leaves if the others would lose etcd's majority. The only control
plane of a cluster does not leave at all: its cluster ends with it (see initialization.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_present
from components.providers.engine_log import EngineLog, concurrent_calls, this_run
from model.machine import CONTROL_PLANE
from ops.current_run import Group
from ops.kube import etcd, retirement
from ops.kube.identity import Identity, connect
from ops.kube.nodes import Nodes
from ops.kube.turns import Slots, Turn
from ops.rollout.progress import Progress

# How long etcd may take until it can do without a member. This includes waiting for an API server
# that just lost its own etcd, and for a load balancer that has not noticed yet.
ETCD_SECONDS = 60
# The engine's own limit of concurrent steps on the smallest host, if that of the run is unknown.
SDK_PARALLEL = 4
# Inputs updated in place.
UPDATED_IN_PLACE = ("identity", "pool", "address", "peers", "drain_seconds", "force")
# The other inputs that leaving needs.
NEEDED = ("cluster", "node", "role")


class MembershipInputs(TypedDict):
    """The membership as the provider gets it."""

    cluster: str
    node: str
    role: str
    pool: str
    address: str
    peers: list[str]
    machine_id: str
    identity: Identity
    drain_seconds: float
    force: bool


class MembershipProvider(Provider[MembershipInputs, MembershipInputs]):
    """Lets machines leave a cluster."""

    def _create(self, inputs: MembershipInputs) -> MembershipInputs:
        """Store how the machine leaves."""
        return inputs

    def _diff(self, olds: MembershipInputs, news: MembershipInputs) -> DiffResult:
        """Replace for a new machine; update for another way to leave."""
        require_present(news, (*UPDATED_IN_PLACE, *NEEDED))
        if olds["machine_id"] != news["machine_id"]:
            return DiffResult(changes=True, replaces=["machine_id"], delete_before_replace=True)
        return DiffResult(changes=bool(changed(olds, news, UPDATED_IN_PLACE)))

    def _update(self, _olds: MembershipInputs, news: MembershipInputs) -> MembershipInputs:
        """Store how the machine leaves now."""
        return news

    def _delete(self, state: MembershipInputs) -> None:
        """Drain the Node, remove it from etcd and delete it."""
        if state["role"] == CONTROL_PLANE:
            if state["peers"]:
                with _turn(state), _leaving.setdefault(state["cluster"], Lock()):
                    _leave_as_control_plane(state)
        else:
            with _turn(state):
                _leave(state)


# Two control planes that leave at the same time could each count on the other.
_leaving: dict[str, Lock] = {}


@contextmanager
def _turn(inputs: MembershipInputs) -> Iterator[None]:
    """Hold the machine's turn to leave: as many as the config allows leave at the same time."""
    run = this_run()
    progress = Progress(EngineLog(""))
    turn = Turn(
        Nodes(connect(inputs["identity"])),
        inputs["node"],
        _group(run.groups.get(inputs["cluster"], ()), inputs["role"], inputs["pool"]),
        report=lambda line: progress.step(inputs["node"], line),
    )
    with turn.taken(_slots(run.parallel)):
        yield


def _group(groups: Sequence[Group], role: str, pool: str) -> Group:
    """Return the machines whose limit a machine shares; a run without a program knows none."""
    shared = {group.pool: group for group in groups if group.role == role}
    return shared.get(pool) or shared.get("") or Group(role)


def _slots(parallel: int) -> Slots:
    """Return how many machines may wait without keeping their successors from being created."""
    known = parallel or SDK_PARALLEL
    return Slots(known, min(known, concurrent_calls()) * 3 // 4)


def _leave_as_control_plane(inputs: MembershipInputs) -> None:
    # Checked before anything changes: a member that etcd needs does not leave.
    own = etcd.await_removable(
        connect(inputs["identity"]),
        inputs["node"],
        address=inputs["address"],
        deadline_seconds=ETCD_SECONDS,
    )
    if all(member.healthy for member in own):
        _retire(inputs)
        _leave_etcd(inputs)
    else:
        _leave_etcd(inputs, own)
        _retire(inputs, is_dead=True)
    Nodes(connect(inputs["identity"])).delete(inputs["node"])


def _leave(inputs: MembershipInputs) -> None:
    _retire(inputs)
    Nodes(connect(inputs["identity"])).delete(inputs["node"])


def _leave_etcd(inputs: MembershipInputs, leaving: Sequence[etcd.Member] = ()) -> None:
    etcd.remove_member(
        connect(inputs["identity"]),
        inputs["node"],
        address=inputs["address"],
        deadline_seconds=ETCD_SECONDS,
        leaving=leaving,
    )


def _retire(inputs: MembershipInputs, *, is_dead: bool = False) -> None:
    # For a machine removed from the config, the state holds its drain policy of that time.
    nodes = Nodes(connect(inputs["identity"]))
    policy = nodes.drain_policy()
    progress = Progress(EngineLog(""))
    deleted = retirement.retire(
        nodes,
        inputs["node"],
        deadline_seconds=float(policy["seconds"]) if policy else inputs["drain_seconds"],
        force=policy["force"] == "true" if policy else inputs["force"],
        is_dead=is_dead,
        report=lambda line: progress.done(inputs["node"], line),
    )
    if deleted:
        text = f"deleted, since no other Node can take them: {deleted}"
        progress.done(inputs["node"], text)


@dataclass(frozen=True)
class MembershipArgs:
    """One machine and its cluster; `peers` names the cluster's other control planes."""

    cluster: str
    node: str
    role: str
    pool: str
    address: str
    peers: list[str]
    machine_id: pulumi.Input[str]
    identity: pulumi.Input[Identity]
    drain_seconds: int
    force: bool


class Membership(ProvidedResource, module="kubeadm-fleet", name="Membership"):
    """One machine's place in its cluster, which it leaves in an orderly way."""

    def __init__(
        self, name: str, args: MembershipArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(MembershipProvider(), name, args, opts)
