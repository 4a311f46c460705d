"""SSH keys: generation, fingerprints and parsing in OpenSSH formats."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

# The host key types that can be pinned, with the length of the public key in bytes.
# https://man.openbsd.org/sshd_config#HostKeyAlgorithms
ALGORITHMS = {
    "ssh-ed25519": 51,
    "ecdsa-sha2-nistp256": 104,
    "ecdsa-sha2-nistp384": 136,
    "ecdsa-sha2-nistp521": 172,
}
# It also names the signature with SHA-1, which no current host makes; each has another type of key.
# https://www.openssh.com/txt/release-8.8
UNUSABLE = "ssh-rsa"


@dataclass(frozen=True)
class SshKeyPair:
    """`private_openssh` (PEM text) and `public` ("ssh-ed25519 AAAA... comment")."""

    private_openssh: str = field(repr=False)
    public: str


def new_key_pair(comment: str) -> SshKeyPair:
    """Generate an ed25519 key pair."""
    # Loading a config needs no cryptography: imported here to keep the start-up fast.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return SshKeyPair(private, f"{public.decode()} {comment}".strip())


def shortest(private: str) -> str:
    """Return an ed25519 key in its shortest format, PKCS #8, and any other text as it is.

    Each resource that logs in holds the key, and OpenSSH's own format is three times as long.
    """
    return _rewritten(private, "PKCS8")


def openssh_format(private: str) -> str:
    """Return an ed25519 key in OpenSSH's own format, and any other text as it is."""
    return _rewritten(private, "OpenSSH")


def _rewritten(private: str, kind: str) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    is_openssh = "BEGIN OPENSSH" in private
    load = serialization.load_ssh_private_key if is_openssh else serialization.load_pem_private_key
    try:
        key = load(private.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return private
    if not isinstance(key, Ed25519PrivateKey):
        return private
    return key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, kind),
        serialization.NoEncryption(),
    ).decode()


def parse_host_key(text: str) -> tuple[str, str]:
    """Return (algorithm, base64 key) of a public key line, which may end with a comment.

    Raises ValueError, which never repeats the text, when it is not a complete public key (RFC 4253,
    section 6.6): a private key, a line with the host's name in front, a truncated line.
    """
    algorithm, _, rest = text.partition(" ")
    encoded = rest.partition(" ")[0]
    if algorithm == UNUSABLE:
        raise ValueError("an ssh-rsa key cannot be pinned: pin the host's ed25519 or ECDSA key")
    if algorithm not in ALGORITHMS:
        raise ValueError(f"not a public key of one of the types {', '.join(ALGORITHMS)}")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"the key after {algorithm} is not valid base64") from None
    named = len(algorithm).to_bytes(4, "big") + algorithm.encode()
    if not blob.startswith(named) or len(blob) != ALGORITHMS[algorithm]:
        raise ValueError(f"the key after {algorithm} is truncated or of another type")
    return algorithm, encoded


def fingerprint(public: str) -> str:
    """Return the fingerprint as `ssh-keygen -l` prints it: "SHA256:..."."""
    digest = hashlib.sha256(base64.b64decode(parse_host_key(public)[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
