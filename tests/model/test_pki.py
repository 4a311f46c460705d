"""Certificates, verified as full chains by two TLS libraries."""

import subprocess
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from model.pki import certificates

CA = certificates.new_authority("kubernetes", timedelta(days=3650))
CLIENT = certificates.issue_client(CA, "ann", ["dev", "ops"], timedelta(days=1))


def parsed(pair: certificates.KeyPair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.cert_pem.encode())


def verify(client: certificates.KeyPair, authority: certificates.KeyPair, when: datetime) -> None:
    """Verify a client certificate; Kubernetes' have no alternative names, which RFC 5280 allows."""
    leaf = ExtensionPolicy.webpki_defaults_ee().may_be_present(
        x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
    )
    builder = PolicyBuilder().store(Store([parsed(authority)])).time(when)
    builder = builder.extension_policies(
        ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf
    )
    builder.build_client_verifier().verify(parsed(client), [])


def openssl(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, pair in {"ca": CA, "client": CLIENT}.items():
        (tmp_path / f"{name}.crt").write_text(pair.cert_pem)
        (tmp_path / f"{name}.key").write_text(pair.key_pem)
    return tmp_path


def test_cryptography_verifies_a_client_certificate() -> None:
    verify(CLIENT, CA, datetime.now(UTC))


def test_a_client_is_not_verified_by_another_ca_of_the_same_name() -> None:
    other = certificates.new_authority("kubernetes", timedelta(days=3650))
    with pytest.raises(VerificationError):
        verify(CLIENT, other, datetime.now(UTC))


def test_a_client_is_not_verified_after_expiry() -> None:
    with pytest.raises(VerificationError):
        verify(CLIENT, CA, datetime.now(UTC) + timedelta(days=1, minutes=1))


def test_a_client_cannot_sign() -> None:
    forged = certificates.issue_client(CLIENT, "root", ["system:masters"], timedelta(days=1))
    with pytest.raises(VerificationError):
        verify(forged, CLIENT, datetime.now(UTC))


def test_openssl_verifies_the_chain_for_its_purpose_only(files: Path) -> None:
    chain = ("verify", "-x509_strict", "-CAfile", "ca.crt")
    assert openssl(*chain, "-purpose", "sslclient", "client.crt", folder=files).returncode == 0
    refused = openssl(*chain, "-purpose", "sslserver", "client.crt", folder=files)
    assert refused.returncode != 0


def test_keys_belong_to_their_certificates(files: Path) -> None:
    for name in ("ca", "client"):
        of_key = openssl("pkey", "-in", f"{name}.key", "-pubout", folder=files).stdout
        of_certificate = openssl("x509", "-in", f"{name}.crt", "-pubkey", "-noout", folder=files)
        assert of_key.startswith("-----BEGIN PUBLIC KEY-----")
        assert of_key == of_certificate.stdout


def test_openssl_prints_the_same_fingerprint(files: Path) -> None:
    printed = openssl("x509", "-in", "ca.crt", "-noout", "-fingerprint", "-sha256", folder=files)
    assert (
        printed.stdout.strip().lower()
        == f"sha256 fingerprint={certificates.fingerprint(CA.cert_pem)}".lower()
    )


@pytest.mark.parametrize("name", ["kubernetes", "etcd-ca", "front-proxy-ca"])
def test_an_authority_matches_those_of_kubeadm(name: str) -> None:
    certificate = parsed(certificates.new_authority(name, timedelta(days=30)))
    extensions = certificate.extensions
    constraints = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert constraints.critical
    # One for its successor, which it cross-signs.
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=1)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.digital_signature
    assert usage.value.key_encipherment
    assert names.get_values_for_type(x509.DNSName) == [name]
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == f"CN={name}"
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert isinstance(public.curve, ec.SECP256R1)
    assert extensions.get_extension_for_class(
        x509.SubjectKeyIdentifier
    ).value == x509.SubjectKeyIdentifier.from_public_key(public)


def test_a_client_names_its_user_and_groups() -> None:
    certificate = parsed(CLIENT)
    names = {
        oid: [str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)]
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    }
    assert names == {NameOID.COMMON_NAME: ["ann"], NameOID.ORGANIZATION_NAME: ["dev", "ops"]}
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.issuer == parsed(CA).subject


def test_a_machine_joins_as_its_node_for_minutes() -> None:
    pair = certificates.join_credential(CA, "cluster1-worker-0")
    verify(pair, CA, datetime.now(UTC))
    certificate = parsed(pair)
    assert certificate.subject.rfc4514_string() == (
        "CN=system:node:cluster1-worker-0,O=system:nodes"
    )
    assert (
        timedelta(minutes=29)
        < certificates.expiry(pair.cert_pem) - datetime.now(UTC)
        <= certificates.JOIN_VALID
    )


def test_a_kubelet_renews_the_credential_of_its_repair_at_once() -> None:
    """The kubelet renews its certificate after 70 to 90 percent of its validity."""
    pair = certificates.kubelet_credential(CA, "cluster1-worker-0")
    verify(pair, CA, datetime.now(UTC))
    certificate = parsed(pair)
    validity = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert datetime.now(UTC) - certificate.not_valid_before_utc > 0.9 * validity


def test_certificates_are_valid_from_the_past_to_tolerate_clock_skew() -> None:
    for pair in (CA, CLIENT):
        age = datetime.now(UTC) - parsed(pair).not_valid_before_utc
        # They are made when this module is imported, which is long before in a complete run.
        assert timedelta(minutes=5) <= age < timedelta(hours=2)


def test_expiry_is_aware_and_after_the_days_asked_for() -> None:
    left = certificates.expiry(CA.cert_pem) - datetime.now(UTC)
    assert timedelta(days=3649) < left <= timedelta(days=3650)


def test_no_client_outlives_its_ca() -> None:
    brief = certificates.new_authority("kubernetes", timedelta(hours=1))
    client = certificates.issue_client(brief, "ann", [], timedelta(days=1))
    assert parsed(client).not_valid_after_utc == parsed(brief).not_valid_after_utc
    verify(client, brief, datetime.now(UTC))


@pytest.mark.parametrize(("minutes", "due"), [(0, False), (59, False), (61, True), (100, True)])
def test_a_certificate_is_due_in_its_last_third_and_when_it_has_expired(
    minutes: int, due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = certificates.issue_client(CA, "ann", [], timedelta(minutes=90))
    now = datetime.now(UTC) + timedelta(minutes=minutes)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(now.timestamp(), tz)

    monkeypatch.setattr(certificates, "datetime", Clock)
    assert certificates.is_due(client.cert_pem) is due


def test_a_reissued_certificate_is_of_the_same_user_and_lifetime() -> None:
    again = certificates.reissue_client(CA, CLIENT.cert_pem)
    assert parsed(again).subject == parsed(CLIENT).subject
    assert parsed(again).public_key() != parsed(CLIENT).public_key()
    left = certificates.expiry(again.cert_pem) - datetime.now(UTC)
    assert timedelta(days=1, seconds=-60) < left <= timedelta(days=1)
    verify(again, CA, datetime.now(UTC))


def test_service_account_keys_sign_and_verify() -> None:
    private_pem, public_pem = certificates.new_service_account_key()
    private = serialization.load_pem_private_key(private_pem.encode(), None)
    public = serialization.load_pem_public_key(public_pem.encode())
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    algorithm = ec.ECDSA(hashes.SHA256())
    public.verify(private.sign(b"token", algorithm), b"token", algorithm)


def test_keys_are_not_in_the_repr() -> None:
    assert "PRIVATE" not in repr(CA)
    assert "PRIVATE" in CA.key_pem


def test_an_authority_with_another_key_type_is_rejected() -> None:
    from cryptography.hazmat.primitives.asymmetric import ed25519

    other = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(TypeError, match="not an elliptic-curve key") as raised:
        certificates.issue_client(
            certificates.KeyPair(CA.cert_pem, other.decode()), "a", [], timedelta(days=1)
        )
    assert "PRIVATE" not in str(raised.value)
