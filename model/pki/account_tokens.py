"""The tokens of service accounts: which key signed one.

A token names its key by the hash of the public half, as API servers compute it
(k8s.io/kubernetes, pkg/serviceaccount, keyIDFromPublicKey).
"""

import base64
import json
from hashlib import sha256

from cryptography.hazmat.primitives import serialization


def key_id(public_pem: str) -> str:
    """Return the identifier of a key in the tokens that it signs."""
    der = serialization.load_pem_public_key(public_pem.encode()).public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key_id_of(der)


def key_id_of(der: bytes) -> str:
    """Return the same for the public half in DER (SubjectPublicKeyInfo)."""
    return base64.urlsafe_b64encode(sha256(der).digest()).decode().rstrip("=")


def signer(token: str) -> str:
    """Return the identifier of the key that signed a token; "" if it names none."""
    header = token.partition(".")[0]
    try:
        found = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(found.get("kid", ""))
    except (ValueError, AttributeError):
        return ""
