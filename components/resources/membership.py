"""A machine's membership in its cluster: the right to join, and the orderly end of it.

Create issues the short-lived credential with which the machine joins (it names the machine and
nothing else can be done with it). While the machine has not joined, an `up` after the credential's
expiry issues it again. A new machine behind the same name replaces the membership, the old one
first. Delete drains the Node and deletes it through the API, whichever control plane answers.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.resources import node
from components.resources.provider import Provider
from model import kubeconfig as kubeconfigs
from model import pki


class MembershipProvider(Provider):
    """Lets machines join and leave a cluster."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Issue the credential."""
        return CreateResult(id_=uuid4().hex, outs=_issue(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace for a new machine; update for new access or an expired, unused credential."""
        if olds["machine_id"] != news["machine_id"]:
            return DiffResult(changes=True, replaces=["machine_id"], delete_before_replace=True)
        moved = any(olds[key] != news[key] for key in ("kubeconfig", "server", "drain_seconds"))
        return DiffResult(changes=moved or _must_be_issued_again(olds))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Take over new access; issue the credential again only if it is still needed."""
        if _must_be_issued_again(olds):
            return UpdateResult(outs=_issue(news))
        kept = {key: olds[key] for key in ("credential", "expires")}
        return UpdateResult(outs={**news, **kept})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Drain the Node and delete it."""
        node.remove(props["kubeconfig"], props["node"], deadline_seconds=props["drain_seconds"])


def _issue(props: dict[str, Any]) -> dict[str, Any]:
    authority = pki.KeyPair(props["authority_certificate"], props["authority_key"])
    pair = pki.join_credential(authority, props["node"])
    credential = kubeconfigs.discovery(props["cluster"], props["server"], authority.cert_pem, pair)
    return {
        **props,
        "credential": credential,
        "expires": pki.expiry(pair.cert_pem).isoformat(),
    }


def _must_be_issued_again(outs: dict[str, Any]) -> bool:
    expired = datetime.fromisoformat(outs["expires"]) < datetime.now(UTC)
    return expired and node.is_missing(outs["kubeconfig"], outs["node"])


class Membership(Resource, module="kubeadm-fleet", name="Membership"):
    """The right of one machine to be one Node: `credential` (a kubeconfig, secret)."""

    credential: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        cluster: str,
        server: str,
        node: str,
        machine_id: pulumi.Input[str],
        authority_certificate: pulumi.Input[str],
        authority_key: pulumi.Input[str],
        kubeconfig: pulumi.Input[str],
        drain_seconds: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            MembershipProvider(),
            name,
            {
                "cluster": cluster,
                "server": server,
                "node": node,
                "machine_id": machine_id,
                "authority_certificate": authority_certificate,
                "authority_key": authority_key,
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "drain_seconds": drain_seconds,
                "credential": None,
                "expires": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["credential"])
            ),
        )
