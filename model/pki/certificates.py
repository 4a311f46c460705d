"""Certificate authorities and the leaf certificates that they issue; ECDSA P-256 throughout.

The subjects and extensions follow kubeadm's own ("PKI certificates and requirements",
https://kubernetes.io/docs/setup/best-practices/certificates/), so that `kubeadm` accepts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Clock skew allowance: a certificate is already valid on a machine whose clock is a little behind.
BACKDATED = timedelta(minutes=5)
# Longer than a join may take, its wait for the endpoint included.
JOIN_VALID = timedelta(minutes=30)
# How the API knows a Node. https://kubernetes.io/docs/reference/access-authn-authz/node/
NODE_USER, NODE_GROUP = "system:node:", "system:nodes"


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    cert_pem: str
    key_pem: str = field(repr=False)

    @property
    def pem(self) -> str:
        """The certificate and its key as one text."""
        return self.cert_pem + self.key_pem


class KeyPairProps(TypedDict):
    """A key pair as a resource is given it."""

    cert_pem: str
    key_pem: str


def new_authority(common_name: str, valid: timedelta) -> KeyPair:
    """Generate a self-signed CA that may sign leaf certificates and one more CA.

    That is its successor: Go counts a certificate of the successor that this CA cross-signed as an
    intermediate, although it has the same subject (crypto/x509, `numIntermediates`).
    """
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    certificate = (
        _builder(subject, subject, public, datetime.now(UTC) + valid)
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(common_name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def cross_sign(authority: KeyPair, successor_pem: str) -> str:
    """Return a certificate of the successor's key that this CA signed, PEM.

    Whoever trusts this CA alone verifies with it what the successor issues. It signs leaf
    certificates only, and is valid no longer than either CA.
    """
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.encode())
    successor = x509.load_pem_x509_certificate(successor_pem.encode())
    issuer_key, public = _private_key(authority.key_pem), successor.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError(
            f"the successor's key is {type(public).__name__}, not an elliptic-curve key"
        )
    until = min(issuer.not_valid_after_utc, successor.not_valid_after_utc)
    certificate = (
        _builder(successor.subject, issuer.subject, public, until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def new_service_account_key() -> tuple[str, str]:
    """Generate the key pair for service account tokens: (private PEM, public PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return _key_pem(key), public.decode()


def issue_client(
    authority: KeyPair,
    common_name: str,
    organizations: list[str],
    valid: timedelta,
    age: timedelta = BACKDATED,
) -> KeyPair:
    """Issue a client certificate: the API reads CN as the user and O as the groups."""
    subject = x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    return issue_leaf(authority, subject, ExtendedKeyUsageOID.CLIENT_AUTH, valid, age=age)


def issue_leaf(
    authority: KeyPair,
    subject: x509.Name,
    purpose: x509.ObjectIdentifier,
    valid: timedelta,
    *,
    names: Sequence[x509.GeneralName] = (),
    age: timedelta = BACKDATED,
) -> KeyPair:
    """Issue a certificate with a new key, for one purpose; servers are known by `names`.

    It does not outlive its issuer.
    """
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.encode())
    issuer_key = _private_key(authority.key_pem)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(subject, issuer.subject, key.public_key(), _until(valid, issuer), age)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def reissue_client(authority: KeyPair, cert_pem: str) -> KeyPair:
    """Issue another client certificate for the same user and groups, with the same lifetime."""
    former = x509.load_pem_x509_certificate(cert_pem.encode())
    (common_name,) = _names(former, NameOID.COMMON_NAME)
    organizations = _names(former, NameOID.ORGANIZATION_NAME)
    return issue_client(authority, common_name, organizations, _lifetime(former))


def join_credential(authority: KeyPair, machine_name: str) -> KeyPair:
    """Issue the credential with which a machine joins: that of its Node, for a short time.

    With it, the kubelet requests its own certificate: the API approves only a request for the same
    Node.
    """
    return issue_client(authority, f"{NODE_USER}{machine_name}", [NODE_GROUP], JOIN_VALID)


def kubelet_credential(authority: KeyPair, machine_name: str) -> KeyPair:
    """Issue the credential for a kubelet whose own certificate has expired, or is of a former CA.

    It is in the last tenth of its validity, so that the kubelet requests its own immediately,
    and keeps requesting it until the API answers.
    """
    age = 10 * JOIN_VALID
    return issue_client(authority, f"{NODE_USER}{machine_name}", [NODE_GROUP], JOIN_VALID, age)


def fingerprint(cert_pem: str) -> str:
    """Return the SHA-256 of the certificate, hex with colons as `openssl x509` prints it."""
    certificate = x509.load_pem_x509_certificate(cert_pem.encode())
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def key_identifier(cert_pem: str) -> str:
    """Return the identifier of the certificate's key, in hex: that of a CA is in what it signs."""
    certificate = x509.load_pem_x509_certificate(cert_pem.encode())
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest.hex()


def expiry(cert_pem: str) -> datetime:
    """Return the certificate's expiry time, with time zone."""
    return x509.load_pem_x509_certificate(cert_pem.encode()).not_valid_after_utc


def created(cert_pem: str) -> datetime:
    """Return the time from which the certificate is valid, with time zone."""
    return x509.load_pem_x509_certificate(cert_pem.encode()).not_valid_before_utc


def is_due(cert_pem: str) -> bool:
    """Whether the certificate is to be renewed: in the last third of its lifetime, or expired."""
    return datetime.now(UTC) > renewal_time(cert_pem)


def renewal_time(cert_pem: str) -> datetime:
    """Return when the last third of the certificate's lifetime begins."""
    certificate = x509.load_pem_x509_certificate(cert_pem.encode())
    return certificate.not_valid_after_utc - _lifetime(certificate) / 3


def _lifetime(certificate: x509.Certificate) -> timedelta:
    """Return how long the certificate is valid from its issue on."""
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc - BACKDATED


def _until(valid: timedelta, issuer: x509.Certificate) -> datetime:
    now = datetime.now(UTC)
    return min(now + valid, max(now, issuer.not_valid_after_utc))


def _names(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(name.value) for name in certificate.subject.get_attributes_for_oid(oid)]


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    until: datetime,
    age: timedelta = BACKDATED,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - age)
        .not_valid_after(until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"the authority's key is {type(key).__name__}, not an elliptic-curve key")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(certificate.public_bytes(serialization.Encoding.PEM).decode(), _key_pem(key))
