"""Keys that encrypt Secrets in etcd (XSalsa20 and Poly1305: 32 bytes)."""

import secrets
from base64 import b64encode
from typing import TypedDict

LENGTH = 32


class EncryptionKeyProps(TypedDict):
    """A key; `name` is in front of each value that it encrypted, `secret` is base64."""

    name: str
    secret: str


def generate() -> EncryptionKeyProps:
    """Return a new key."""
    return {
        "name": f"key-{secrets.token_hex(4)}",
        "secret": b64encode(secrets.token_bytes(LENGTH)).decode(),
    }
