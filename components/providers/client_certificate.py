"""A client certificate issued by a cluster's CA.

Create issues it. An ordinary `up` reissues it in place when its subject or its CA changed, or after
two thirds of its lifetime. Delete drops it from the state (Kubernetes does not revoke
certificates).
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from components.providers.base import Provider
from model.pki import certificates

SUBJECT = ("common_name", "organizations", "valid_hours", "authority_certificate")


class ClientCertificateProvider(Provider):
    """Issues client certificates."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Issue the certificate."""
        return CreateResult(id_=uuid4().hex, outs=_issue(props))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Decide whether the certificate must be reissued."""
        changed = any(olds[key] != news[key] for key in SUBJECT)
        return DiffResult(changes=changed or _is_due(olds))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Reissue the certificate."""
        return UpdateResult(outs=_issue(news))


def _issue(props: dict[str, Any]) -> dict[str, Any]:
    authority = certificates.KeyPair(props["authority_certificate"], props["authority_key"])
    pair = certificates.issue_client(
        authority,
        props["common_name"],
        list(props["organizations"]),
        timedelta(hours=props["valid_hours"]),
    )
    return {
        **props,
        "certificate": pair.cert_pem,
        "private_key": pair.key_pem,
        "expires": certificates.expiry(pair.cert_pem).isoformat(),
    }


def _is_due(outs: dict[str, Any]) -> bool:
    left = datetime.fromisoformat(outs["expires"]) - datetime.now(UTC)
    return left < timedelta(hours=outs["valid_hours"]) / 3


class ClientCertificate(Resource, module="kubeadm-fleet", name="ClientCertificate"):
    """A client certificate: `certificate` (PEM), `private_key` (PEM, secret), `expires` (ISO)."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        authority_certificate: pulumi.Input[str],
        authority_key: pulumi.Input[str],
        common_name: str,
        organizations: list[str],
        valid_hours: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            ClientCertificateProvider(),
            name,
            {
                "authority_certificate": authority_certificate,
                "authority_key": authority_key,
                "common_name": common_name,
                "organizations": organizations,
                "valid_hours": valid_hours,
                "certificate": None,
                "private_key": None,
                "expires": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
            ),
        )
