"""The serving certificates that the program issues: of kubelets, and of aggregated APIs.

A kubelet's names a machine's Node and address and nothing else: a machine cannot pass for another
one. That of an API names its Service. Each is good for servers only, and its subject is no user, so
the API accepts it from no client.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from model.pki import leaves
from model.pki.certificates import KeyPair, issue_leaf
from model.pki.machine_certificates import MachineCertificates, extension


@dataclass(frozen=True)
class ServingCertificate:
    """A certificate as its machine has it: `issuer` is as model/pki/leaves.py has those of leaves.

    `is_paired` says that the key beside it is its own.
    """

    issuer: str
    names: frozenset[str]
    begins: datetime
    expires: datetime
    is_paired: bool

    @property
    def due(self) -> datetime:
        """The beginning of the last third of its lifetime, in which it is renewed."""
        return self.expires - (self.expires - self.begins) / 3


def issue(authority: KeyPair, node: str, address: str, valid: timedelta) -> KeyPair:
    """Issue the serving certificate of a Node's kubelet."""
    names = [x509.DNSName(node), x509.IPAddress(ip_address(address))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    return issue_leaf(authority, subject, ExtendedKeyUsageOID.SERVER_AUTH, valid, names=names)


def issue_for(authority: KeyPair, host: str, valid: timedelta) -> KeyPair:
    """Issue the serving certificate of what API servers reach by a Service's name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = [x509.DNSName(host)]
    return issue_leaf(authority, subject, ExtendedKeyUsageOID.SERVER_AUTH, valid, names=names)


def names_of(node: str, address: str) -> frozenset[str]:
    """Return the names in the certificate of a Node's kubelet."""
    return frozenset((node, str(ip_address(address))))


def read(found: MachineCertificates, path: str, key: str) -> ServingCertificate | None:
    """Read the one of a file; `key` is the SHA-256 of the public half of the key in it."""
    its, issuer = found.at(path), leaves.issuer_at(found, path)
    if its is None or issuer is None:
        return None
    public = its.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return ServingCertificate(
        issuer=issuer,
        names=_names(its),
        begins=its.not_valid_before_utc,
        expires=its.not_valid_after_utc,
        is_paired=sha256(public).hexdigest() == key,
    )


def _names(found: x509.Certificate) -> frozenset[str]:
    value = extension(found, x509.SubjectAlternativeName)
    return frozenset(str(name.value) for name in value or ())
