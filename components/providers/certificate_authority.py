"""A certificate authority and the service-account keys of a cluster, in the stack's state.

Create generates the key material; its private half is secret in state, and nowhere else in it. A
changed common name replaces it; another validity is that of its successors. An update takes it to
another phase of a rotation (model/rotation_phases.py), in which there are two. Delete drops it:
resources of the cluster are `deleted_with` its authority, since without the authority the cluster
can no longer be accessed.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers import phases
from components.providers.base import ProvidedResource, Provider, changed, require_present
from model.pki import certificates
from model.pki.certificates import KeyPair
from model.pki.rotation import Half, Rotation
from model.rotation_phases import PREPARE, SWITCH

SECRETS = ["private_key", "other_private_key"]


class CertificateAuthorityInputs(TypedDict):
    """The authority as the provider gets it; `resource` is its name, `check` adds `signer`.

    Of a resource that is to be updated, a preview knows the inputs alone: `signer` is a number that
    changes whenever another of its keys signs.
    """

    resource: str
    common_name: str
    valid_seconds: float
    phase: str
    signer: float


class CertificateAuthorityState(CertificateAuthorityInputs):
    """The authority that signs, and the other one of a rotation; "" if there is none."""

    certificate: str
    private_key: str
    fingerprint: str
    expires: str
    other_certificate: str
    other_private_key: str
    cross_signed: str
    bundle: str
    chain: str


class CertificateAuthorityProvider(Provider[CertificateAuthorityInputs, CertificateAuthorityState]):
    """Generates self-signed certificate authorities (ECDSA P-256), and their successors."""

    def _check(
        self, olds: CertificateAuthorityInputs, news: CertificateAuthorityInputs
    ) -> CertificateAuthorityInputs:
        """Reject a rotation of what does not exist yet; number the key that signs."""
        phases.reject_new(olds, news["phase"], news["resource"])
        if not olds:
            return {**news, "signer": 1}
        swaps = {olds["phase"], news["phase"]} == {PREPARE, SWITCH}
        return {**news, "signer": olds["signer"] + swaps}

    def _create(self, inputs: CertificateAuthorityInputs) -> CertificateAuthorityState:
        """Generate a key pair and its self-signed certificate."""
        return _state(inputs, Rotation(inputs["phase"], _generate(inputs)), "")

    def _diff(
        self, olds: CertificateAuthorityState, news: CertificateAuthorityInputs
    ) -> DiffResult:
        """Replace the authority for another common name; reject a phase that cannot follow."""
        require_present(news, ("resource", "valid_seconds", "phase"))
        replaces = changed(olds, news, ("common_name",))
        changes = phases.moves(olds["phase"], news["phase"], news["resource"])
        return DiffResult(
            changes=bool(replaces) or changes, replaces=replaces, delete_before_replace=False
        )

    def _update(
        self, olds: CertificateAuthorityState, news: CertificateAuthorityInputs
    ) -> CertificateAuthorityState:
        """Take the authority to another phase of its rotation."""
        other = _half(olds["other_certificate"], olds["other_private_key"])
        signing = Half(olds["certificate"], olds["private_key"])
        rotation = Rotation(olds["phase"], signing, other).to(
            news["phase"], lambda: _generate(news)
        )
        cross_signed = olds["cross_signed"]
        if rotation.other is not None and other is None:
            authority = KeyPair(signing.public, signing.private)
            cross_signed = certificates.cross_sign(authority, rotation.other.public)
        return _state(news, rotation, cross_signed)


def _generate(inputs: CertificateAuthorityInputs) -> Half:
    valid = timedelta(seconds=inputs["valid_seconds"])
    pair = certificates.new_authority(inputs["common_name"], valid)
    return Half(pair.cert_pem, pair.key_pem)


def _state(
    inputs: CertificateAuthorityInputs, rotation: Rotation, cross_signed: str
) -> CertificateAuthorityState:
    signing, other = rotation.signing, rotation.other or Half("", "")
    return {
        "resource": inputs["resource"],
        "common_name": inputs["common_name"],
        "valid_seconds": inputs["valid_seconds"],
        "phase": inputs["phase"],
        "signer": inputs["signer"],
        "certificate": signing.public,
        "private_key": signing.private,
        "fingerprint": certificates.fingerprint(signing.public),
        "expires": certificates.expiry(signing.public).isoformat(),
        "other_certificate": other.public,
        "other_private_key": other.private,
        "cross_signed": cross_signed if rotation.other else "",
        "bundle": rotation.bundle,
        "chain": cross_signed if rotation.phase == SWITCH else "",
    }


def _half(public: str, private: str) -> Half | None:
    return Half(public, private) if public else None


@dataclass(frozen=True)
class CertificateAuthorityArgs:
    """A CA, by its subject; its validity from its creation on; the phase of its rotation."""

    common_name: pulumi.Input[str]
    valid_seconds: float
    phase: str = ""


class CertificateAuthority(ProvidedResource, module="kubeadm-fleet", name="CertificateAuthority"):
    """A CA: `certificate` (PEM), `private_key` (PEM, secret), `fingerprint`, `expires` (ISO).

    These are of the one that signs, whose number is `signer`. `bundle` are the certificates of all
    that are trusted, and `chain` is what its leaf certificates are shown with, "" if nothing. The
    `other` one is that of a rotation.
    """

    signer: pulumi.Output[float]
    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]
    fingerprint: pulumi.Output[str]
    expires: pulumi.Output[str]
    other_certificate: pulumi.Output[str]
    other_private_key: pulumi.Output[str]
    cross_signed: pulumi.Output[str]
    bundle: pulumi.Output[str]
    chain: pulumi.Output[str]

    def __init__(
        self, name: str, args: CertificateAuthorityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=SECRETS)
        super().__init__(
            CertificateAuthorityProvider(),
            name,
            args,
            pulumi.ResourceOptions.merge(opts, options),
            resource=name,
        )


class ServiceAccountKeyInputs(TypedDict):
    """The phase of the key pair's rotation; `resource` is its name."""

    resource: str
    phase: str


class ServiceAccountKeyState(ServiceAccountKeyInputs):
    """The key pair that signs, and the other one of a rotation; "" if there is none."""

    private_key: str
    public_key: str
    other_private_key: str
    other_public_key: str
    bundle: str


class ServiceAccountKeyProvider(Provider[ServiceAccountKeyInputs, ServiceAccountKeyState]):
    """Generates the key pair that signs service-account tokens, and its successors."""

    def _check(
        self, olds: ServiceAccountKeyInputs, news: ServiceAccountKeyInputs
    ) -> ServiceAccountKeyInputs:
        """Reject a rotation of what does not exist yet."""
        phases.reject_new(olds, news["phase"], news["resource"])
        return news

    def _create(self, inputs: ServiceAccountKeyInputs) -> ServiceAccountKeyState:
        """Generate an ECDSA P-256 key pair."""
        return _keys(inputs, Rotation(inputs["phase"], _generate_keys()))

    def _diff(self, olds: ServiceAccountKeyState, news: ServiceAccountKeyInputs) -> DiffResult:
        """Compare the phases; reject one that cannot follow."""
        return DiffResult(changes=phases.moves(olds["phase"], news["phase"], news["resource"]))

    def _update(
        self, olds: ServiceAccountKeyState, news: ServiceAccountKeyInputs
    ) -> ServiceAccountKeyState:
        """Take the key pair to another phase of its rotation."""
        signing = Half(olds["public_key"], olds["private_key"])
        other = _half(olds["other_public_key"], olds["other_private_key"])
        rotation = Rotation(olds["phase"], signing, other).to(news["phase"], _generate_keys)
        return _keys(news, rotation)


def _generate_keys() -> Half:
    private_key, public_key = certificates.new_service_account_key()
    return Half(public_key, private_key)


def _keys(inputs: ServiceAccountKeyInputs, rotation: Rotation) -> ServiceAccountKeyState:
    other = rotation.other or Half("", "")
    return {
        "resource": inputs["resource"],
        "phase": rotation.phase,
        "private_key": rotation.signing.private,
        "public_key": rotation.signing.public,
        "other_private_key": other.private,
        "other_public_key": other.public,
        "bundle": rotation.bundle,
    }


@dataclass(frozen=True)
class ServiceAccountKeyArgs:
    """The phase of the key pair's rotation."""

    phase: str = ""


class ServiceAccountKey(ProvidedResource, module="kubeadm-fleet", name="ServiceAccountKey"):
    """The service-account signing key: `private_key` (PEM, secret), `public_key` (PEM).

    `bundle` are the public keys of all that are trusted. The `other` one is that of a rotation.
    """

    private_key: pulumi.Output[str]
    public_key: pulumi.Output[str]
    other_private_key: pulumi.Output[str]
    other_public_key: pulumi.Output[str]
    bundle: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: ServiceAccountKeyArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        options = pulumi.ResourceOptions(additional_secret_outputs=SECRETS)
        super().__init__(
            ServiceAccountKeyProvider(),
            name,
            args or ServiceAccountKeyArgs(),
            pulumi.ResourceOptions.merge(opts, options),
            resource=name,
        )
