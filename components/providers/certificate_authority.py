"""A certificate authority and the service-account keys of a cluster, in the stack's state.

Create generates the key material; its private half is secret in state, and nowhere else in it. A
changed common name replaces it; another validity is that of its successors. Delete drops it:
resources of the cluster are `deleted_with` its authority, since without the authority the cluster
can no longer be accessed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, changed, require_present
from model.pki import certificates


class CertificateAuthorityInputs(TypedDict):
    """The authority as the provider gets it."""

    common_name: str
    valid_seconds: float


class CertificateAuthorityState(CertificateAuthorityInputs):
    """The authority as it was generated."""

    certificate: str
    private_key: str
    fingerprint: str
    expires: str


class CertificateAuthorityProvider(Provider[CertificateAuthorityInputs, CertificateAuthorityState]):
    """Generates self-signed certificate authorities (ECDSA P-256)."""

    def _create(self, inputs: CertificateAuthorityInputs) -> CertificateAuthorityState:
        """Generate a key pair and its self-signed certificate."""
        valid = timedelta(seconds=inputs["valid_seconds"])
        pair = certificates.new_authority(inputs["common_name"], valid)
        return {
            **inputs,
            "certificate": pair.cert_pem,
            "private_key": pair.key_pem,
            "fingerprint": certificates.fingerprint(pair.cert_pem),
            "expires": certificates.expiry(pair.cert_pem).isoformat(),
        }

    def _diff(
        self, olds: CertificateAuthorityState, news: CertificateAuthorityInputs
    ) -> DiffResult:
        """Replace the authority for another common name."""
        require_present(news, ("valid_seconds",))
        replaces = changed(olds, news, ("common_name",))
        return DiffResult(changes=bool(replaces), replaces=replaces, delete_before_replace=False)


@dataclass(frozen=True)
class CertificateAuthorityArgs:
    """A CA, by the subject of its certificate, and its validity from its creation on."""

    common_name: pulumi.Input[str]
    valid_seconds: float


class CertificateAuthority(ProvidedResource, module="kubeadm-fleet", name="CertificateAuthority"):
    """A CA: `certificate` (PEM), `private_key` (PEM, secret), `fingerprint`, `expires` (ISO)."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self, name: str, args: CertificateAuthorityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            CertificateAuthorityProvider(), name, args, pulumi.ResourceOptions.merge(opts, options)
        )


class ServiceAccountKeyInputs(TypedDict):
    """A key pair needs no inputs."""


class ServiceAccountKeyState(ServiceAccountKeyInputs):
    """The key pair as it was generated."""

    private_key: str
    public_key: str


class ServiceAccountKeyProvider(Provider[ServiceAccountKeyInputs, ServiceAccountKeyState]):
    """Generates the key pair that signs service-account tokens."""

    def _create(self, inputs: ServiceAccountKeyInputs) -> ServiceAccountKeyState:
        """Generate an ECDSA P-256 key pair."""
        private_key, public_key = certificates.new_service_account_key()
        return {**inputs, "private_key": private_key, "public_key": public_key}


@dataclass(frozen=True)
class ServiceAccountKeyArgs:
    """A key pair needs no arguments."""


class ServiceAccountKey(ProvidedResource, module="kubeadm-fleet", name="ServiceAccountKey"):
    """The service-account signing key: `private_key` (PEM, secret), `public_key` (PEM)."""

    private_key: pulumi.Output[str]
    public_key: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ServiceAccountKeyArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            ServiceAccountKeyProvider(),
            name,
            args or ServiceAccountKeyArgs(),
            pulumi.ResourceOptions.merge(opts, options),
        )
