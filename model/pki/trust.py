"""What machines trust and sign with: their settings, and the digests by which it is known.

The settings are those of scripts/node/pki.sh; a digest is what scripts/node/trusted.sh prints.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

# The public part, in the order of the files in trusted.sh.
PUBLIC = (
    "CA_CERTIFICATE",
    "ROOT_CA_CERTIFICATE",
    "ETCD_CA_CERTIFICATE",
    "FRONT_PROXY_CA_CERTIFICATE",
    "SERVICE_ACCOUNT_PUBLIC_KEY",
    "CA_CHAIN",
    "ETCD_CA_CHAIN",
    "FRONT_PROXY_CA_CHAIN",
)
SETTINGS = (*PUBLIC, "CA_KEY", "ETCD_CA_KEY", "FRONT_PROXY_CA_KEY", "SERVICE_ACCOUNT_KEY")
WORKER_SETTINGS = ("CA_CERTIFICATE",)


def in_fixed_order(bundle: str) -> str:
    """Return the certificates of a bundle in an order that does not depend on which one signs."""
    found = x509.load_pem_x509_certificates(bundle.encode())
    return "".join(sorted(one.public_bytes(Encoding.PEM).decode() for one in found))


def digest(settings: Mapping[str, str]) -> str:
    """Return the digest of what a control plane trusts."""
    return _digest(settings[name] for name in PUBLIC)


def worker_digest(settings: Mapping[str, str]) -> str:
    """Return the digest of what a worker trusts."""
    return _digest(settings[name] for name in WORKER_SETTINGS)


def _digest(texts: Iterable[str]) -> str:
    lines = (line for text in texts for line in text.splitlines() if line)
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
