"""A machine's membership in its cluster: the right to join, and its orderly end.

Create issues the short-lived credential with which the machine joins (it names the machine and
grants nothing else). While the machine has not joined, an `up` after the credential's expiry
reissues it. A new machine behind the same name replaces the membership, the old one first. Delete
drains the Node and deletes it through the API of any control plane that answers.

A control plane also leaves etcd: a dead one before anything else, since etcd counts it; a living
one once it is drained. No member leaves if the others would lose etcd's majority. The only control
plane of a cluster does not leave at all: its cluster ends with it. Therefore a new machine in its
place is refused, unless `data_loss` holds a consent that was not given before.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import Provider, require_present
from components.providers.engine_log import EngineLog
from model.fleet import CONTROL_PLANE
from model.pki import certificates
from model.render import kubeconfig as kubeconfigs
from ops.errors import OperatorError
from ops.kube import client, etcd, retirement
from ops.kube.nodes import Nodes
from ops.rollout.progress import Progress

# How long etcd may take until it can do without a member. This includes waiting for an API server
# that just lost its own etcd, and for a load balancer that has not noticed yet.
ETCD_SECONDS = 60
# Inputs updated in place. A consent given before a loss does not apply to that loss.
TAKEN_OVER = (
    "kubeconfig", "server", "address", "peers", "drain_seconds", "force", "data_loss",
)  # fmt: skip
# Further inputs of a new machine's credential and of its leave.
NEEDED = ("cluster", "node", "role", "authority_certificate", "authority_key")


class MembershipProvider(Provider):
    """Lets machines join and leave a cluster."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Issue the credential."""
        return CreateResult(id_=uuid4().hex, outs=_issue(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace for a new machine; update for new access or an expired, unused credential."""
        require_present(news, (*TAKEN_OVER, *NEEDED))
        if olds["machine_id"] != news["machine_id"]:
            _refuse_loss(olds, news)
            return DiffResult(changes=True, replaces=["machine_id"], delete_before_replace=True)
        moved = any(olds[key] != news[key] for key in TAKEN_OVER)
        return DiffResult(changes=moved or _must_be_issued_again(olds))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Store new access; reissue the credential only if it is still needed."""
        if _must_be_issued_again(olds):
            return UpdateResult(outs=_issue(news))
        kept = {key: olds[key] for key in ("credential", "expires")}
        return UpdateResult(outs={**news, **kept})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Drain the Node, remove it from etcd and delete it."""
        if props["role"] == CONTROL_PLANE:
            if props["peers"]:
                with _leaving.setdefault(props["cluster"], Lock()):
                    _leave_as_control_plane(props)
        else:
            _leave(props)


# Two control planes that leave at once could each count on the other.
_leaving: dict[str, Lock] = {}


def _leave_as_control_plane(props: dict[str, Any]) -> None:
    # Checked before anything changes: a member that etcd needs does not leave.
    own = etcd.await_removable(
        client.of(props["kubeconfig"]),
        props["node"],
        address=props["address"],
        deadline_seconds=ETCD_SECONDS,
    )
    if all(each.healthy for each in own):
        _retire(props, retirement.SILENCE_SECONDS)
        _leave_etcd(props)
    else:
        _leave_etcd(props, own)
        _retire(props, retirement.SHORT_SILENCE_SECONDS)
    Nodes.of(props["kubeconfig"]).delete(props["node"])


def _leave(props: dict[str, Any]) -> None:
    _retire(props, retirement.SILENCE_SECONDS)
    Nodes.of(props["kubeconfig"]).delete(props["node"])


def _leave_etcd(props: dict[str, Any], leaving: Sequence[etcd.Member] = ()) -> None:
    etcd.remove_member(
        client.of(props["kubeconfig"]),
        props["node"],
        address=props["address"],
        deadline_seconds=ETCD_SECONDS,
        leaving=leaving,
    )


def _retire(props: dict[str, Any], silence_seconds: float) -> None:
    # For a machine removed from the config, the state holds its drain policy of that time.
    nodes = Nodes.of(props["kubeconfig"])
    told = nodes.drain_policy()
    deleted = retirement.retire(
        nodes,
        props["node"],
        deadline_seconds=float(told["seconds"]) if told else props["drain_seconds"],
        force=told["force"] == "true" if told else props["force"],
        silence_seconds=silence_seconds,
    )
    if deleted:
        text = f"deleted, since no other Node can take them: {deleted}"
        Progress(EngineLog("")).done(props["node"], text)


def _refuse_loss(olds: dict[str, Any], news: dict[str, Any]) -> None:
    """Refuse to replace a cluster's only control plane without consent to the data loss."""
    if olds["role"] != CONTROL_PLANE or olds["peers"]:
        return
    if news["data_loss"] not in ("", olds["data_loss"]):
        return
    used = f" ({olds['data_loss']!r} was given for an earlier loss)" if olds["data_loss"] else ""
    raise OperatorError(
        f"{olds['node']} is the only control plane of {olds['cluster']}: with its machine goes all "
        "that etcd holds, every object of the cluster. Its machine is not replaced. If it still "
        "exists, bring it back. If not, say in the stack's config what becomes of it. "
        "To have back what a snapshot of its etcd holds: "
        f"clusters/{olds['cluster']}/controlPlanes/restore: <path of the file>. To begin empty: "
        f'clusters/{olds["cluster"]}/controlPlanes/acceptDataLoss: "<any text, such as a ticket>"'
        f"{used}."
    )


def _issue(props: dict[str, Any]) -> dict[str, Any]:
    authority = certificates.KeyPair(props["authority_certificate"], props["authority_key"])
    pair = certificates.join_credential(authority, props["node"])
    credential = kubeconfigs.discovery(props["cluster"], props["server"], authority.cert_pem, pair)
    return {
        **props,
        "credential": credential,
        "expires": certificates.expiry(pair.cert_pem).isoformat(),
    }


def _must_be_issued_again(outs: dict[str, Any]) -> bool:
    expired = datetime.fromisoformat(outs["expires"]) < datetime.now(UTC)
    return expired and Nodes.of(outs["kubeconfig"]).is_missing(outs["node"])


class Membership(Resource, module="kubeadm-fleet", name="Membership"):
    """The right of one machine to be one Node: `credential` (a kubeconfig, secret).

    `peers` names the other control planes of a control plane's cluster. `data_loss` is the consent
    to lose the data of an only control plane ("" if none was given); a snapshot counts as consent.
    """

    credential: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        server: str,
        node: str,
        role: str,
        address: str,
        peers: list[str],
        machine_id: pulumi.Input[str],
        authority_certificate: pulumi.Input[str],
        authority_key: pulumi.Input[str],
        kubeconfig: pulumi.Input[str],
        drain_seconds: int,
        force: bool,
        data_loss: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            MembershipProvider(),
            name,
            {
                "cluster": cluster,
                "server": server,
                "node": node,
                "role": role,
                "address": address,
                "peers": peers,
                "machine_id": machine_id,
                "authority_certificate": authority_certificate,
                "authority_key": authority_key,
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "drain_seconds": drain_seconds,
                "force": force,
                "data_loss": data_loss,
                "credential": None,
                "expires": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["credential"])
            ),
        )
