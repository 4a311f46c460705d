"""A certificate authority and the service-account keys of a cluster, in the stack's state.

Create generates the key material; its private half is secret in state. A changed common name or
validity replaces it. Delete drops it: resources of the cluster are `deleted_with` its authority,
since without the authority the cluster can no longer be accessed.
"""

from typing import Any
from uuid import uuid4

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource

from components.providers.base import Provider
from model.pki import certificates


class CertificateAuthorityProvider(Provider):
    """Generates self-signed certificate authorities (ECDSA P-256)."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Generate a key pair and its self-signed certificate."""
        pair = certificates.new_authority(props["common_name"], int(props["valid_days"]))
        outs = {
            **props,
            "certificate": pair.cert_pem,
            "private_key": pair.key_pem,
            "fingerprint": certificates.fingerprint(pair.cert_pem),
            "expires": certificates.expiry(pair.cert_pem).isoformat(),
        }
        return CreateResult(id_=uuid4().hex, outs=outs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace the authority if the content of its certificate would change."""
        replaces = [key for key in ("common_name", "valid_days") if olds[key] != news[key]]
        return DiffResult(changes=bool(replaces), replaces=replaces, delete_before_replace=False)


class CertificateAuthority(Resource, module="kubeadm-fleet", name="CertificateAuthority"):
    """A CA: `certificate` (PEM), `private_key` (PEM, secret), `fingerprint`, `expires` (ISO)."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        common_name: str,
        valid_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            CertificateAuthorityProvider(),
            name,
            {
                "common_name": common_name,
                "valid_days": valid_days,
                "certificate": None,
                "private_key": None,
                "fingerprint": None,
                "expires": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
            ),
        )


class ServiceAccountKeyProvider(Provider):
    """Generates the key pair that signs service-account tokens."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Generate an ECDSA P-256 key pair."""
        private_key, public_key = certificates.new_service_account_key()
        outs = {**props, "private_key": private_key, "public_key": public_key}
        return CreateResult(id_=uuid4().hex, outs=outs)


class ServiceAccountKey(Resource, module="kubeadm-fleet", name="ServiceAccountKey"):
    """The service-account signing key: `private_key` (PEM, secret), `public_key` (PEM)."""

    private_key: pulumi.Output[str]
    public_key: pulumi.Output[str]

    def __init__(self, name: str, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(
            ServiceAccountKeyProvider(),
            name,
            {"private_key": None, "public_key": None},
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
            ),
        )
