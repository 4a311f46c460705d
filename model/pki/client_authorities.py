"""The CAs whose client certificates a cluster's API servers accept: its own and those of people.

Kubelets accept the cluster's own alone.
"""

from collections.abc import Iterable
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


def bundle(cluster_pem: str, people_pems: Iterable[str]) -> str:
    """Return the text of the file, without the newline at its end."""
    return "\n".join(pem.strip() for pem in (cluster_pem, *people_pems))


def without(text: str, authority_pem: str) -> str:
    """Return the certificates in a text without one of them; the text itself if it has it not."""
    removed = x509.load_pem_x509_certificate(authority_pem.encode())
    found = x509.load_pem_x509_certificates(text.encode())
    if removed not in found:
        return text
    left = (one.public_bytes(Encoding.PEM).decode() for one in found if one != removed)
    return "".join(left)


def digest_of_file(text: str) -> str:
    """Return the checksum of the file on a machine."""
    return sha256(f"{text}\n".encode()).hexdigest()


def digest_of_set(text: str) -> str:
    """Return a digest of the certificates in a text, whatever their order; "" if there are none."""
    try:
        found = {
            certificate.public_bytes(Encoding.DER)
            for certificate in x509.load_pem_x509_certificates(text.encode())
        }
    except ValueError:
        return ""
    return sha256(b"".join(sorted(found))).hexdigest()[:16]
