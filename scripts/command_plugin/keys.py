"""SSH keys in text form: private keys for login, public keys for host key pinning."""

import base64
import binascii
import io
import socket
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from scripts.command_plugin.go_format import system_error
from scripts.command_plugin.light_paramiko import paramiko
from scripts.command_plugin.running_operation import Failure

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"


def private_key(text: str, password: str | None) -> paramiko.PKey:
    """Read a private key: RSA, ECDSA or Ed25519, in OpenSSH, PKCS#1, SEC 1 or PKCS#8 format."""
    if "-----BEGIN " not in text:
        raise Failure("ssh: no key found")
    load = (
        serialization.load_ssh_private_key
        if _OPENSSH in text
        else serialization.load_pem_private_key
    )
    try:
        key = load(text.encode(), password.encode() if password else None)
    except TypeError:
        # No password for an encrypted key, or one for a key that is not encrypted.
        if password:
            return private_key(text, None)
        raise Failure("ssh: this private key is passphrase protected") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        if password:
            raise Failure("x509: decryption password incorrect") from None
        raise Failure(f"ssh: the private key cannot be read: {error}") from None
    match key:
        case ed25519.Ed25519PrivateKey():
            written = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
            return paramiko.Ed25519Key(file_obj=io.StringIO(written.decode()))
        case ec.EllipticCurvePrivateKey():
            return paramiko.ECDSAKey(vals=(key, key.public_key()))
        case rsa.RSAPrivateKey():
            return paramiko.RSAKey(key=key)
        case _:
            raise Failure(f"ssh: unsupported key type {type(key).__name__}")


def host_key(line: str) -> tuple[str, bytes]:
    """Read a public key in authorized_keys format; return its type and its wire format."""
    for word in line.split():
        try:
            blob = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            continue
        name = paramiko.Message(blob).get_binary()
        if name and name.decode("ascii", "replace") in line.split():
            return name.decode(), blob
    raise Failure(
        "failed to parse host key: ssh: no key found: a host key is written "
        "like 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5...'"
    )


class Agent(paramiko.agent.AgentSSH):
    """An SSH agent at a given socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            raise Failure(f"dial unix {path}: connect: {system_error(error)}") from error
        self._socket = connection

    def list_keys(self) -> tuple[paramiko.PKey, ...]:
        """List the agent's login keys."""
        unlisted: Any = self  # paramiko's types leave out what its subclasses call.
        unlisted._connect(self._socket)
        return self.get_keys()

    def close(self) -> None:
        """Close the connection to the agent."""
        self._socket.close()
