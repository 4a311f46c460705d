"""The handshake of an SSH connection: keys are exchanged, the host is verified, the user logs in.

The host must present the pinned key.
"""

import io
import os
from collections.abc import Iterable
from contextlib import suppress
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any

from model.ssh_keys import openssh_format
from ops.errors import OperatorError
from ops.hosts.login import Login
from ops.hosts.ssh_errors import Unreachable, WrongHostKey

if TYPE_CHECKING:
    import paramiko

KEEPALIVE_SECONDS = 15
# Parallel handshakes of this process, over all clusters: key exchanges compete for its processor,
# and each must end within the dial time.
HANDSHAKES = BoundedSemaphore(32)
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


def log_in(login: Login, stream: Any, seconds: float) -> "paramiko.Transport":
    """Log in over a stream to sshd; `seconds` limits the exchange of keys.

    Raises Unreachable, and WrongHostKey for another key than the pinned one.
    """
    import paramiko

    transport = paramiko.Transport(stream)
    try:
        options = transport.get_security_options()
        options.ciphers = [cipher for cipher in CIPHERS if cipher in options.ciphers]
        if login.host_key is not None:
            options.key_types = _signatures(login.host_key, options.key_types)
        with HANDSHAKES:
            _exchange_keys(transport, login, seconds)
            _authenticate(transport, login)
        transport.set_keepalive(KEEPALIVE_SECONDS)
    except BaseException:
        transport.close()
        raise
    return transport


def _signatures(host_key: str, known: Iterable[str]) -> list[str]:
    """Return the signature algorithms to request, so that the host shows the pinned key."""
    algorithm = host_key.split()[0]
    wanted = RSA_SIGNATURES if algorithm == "ssh-rsa" else (algorithm,)
    return [name for name in known if name in wanted]


def _exchange_keys(transport: "paramiko.Transport", login: Login, seconds: float) -> None:
    """Exchange keys; reject a host key that differs from the pinned one."""
    from paramiko.ssh_exception import IncompatiblePeer

    try:
        transport.start_client(timeout=seconds)
    except IncompatiblePeer as error:
        raise WrongHostKey(_mismatch(login, f"no key of that type ({error})")) from None
    shown = transport.get_remote_server_key()
    if login.host_key is not None:
        algorithm, pinned = login.host_key.split()[:2]
        if (shown.get_name(), shown.get_base64()) != (algorithm, pinned):
            raise WrongHostKey(_mismatch(login, f"{shown.get_name()} {shown.fingerprint}"))


def _mismatch(login: Login, shown: str) -> str:
    return (
        f"{login}: host key mismatch: got {shown}. If the host was reinstalled, compare the key "
        "with the one on its console and update its hostKey; if not, this may be a "
        "man-in-the-middle attack"
    )


def _authenticate(transport: "paramiko.Transport", login: Login) -> None:
    import paramiko

    keys = [_read_key(login.private_key)] if login.private_key else _agent_keys(login)
    for key in keys:
        try:
            transport.auth_publickey(login.user, key)
            return
        except paramiko.AuthenticationException as error:
            refusal = str(error)
    raise Unreachable(
        f"{login}: authentication of {login.user} failed with "
        f"{'the private key' if login.private_key else 'every key of the SSH agent'} ({refusal}): "
        f"add the public key to ~{login.user}/.ssh/authorized_keys on the host"
    )


def _agent_keys(login: Login) -> "list[paramiko.PKey]":
    import paramiko

    keys: list[paramiko.PKey] = list(paramiko.Agent().get_keys())
    if not keys:
        where = os.environ.get("SSH_AUTH_SOCK")
        raise Unreachable(
            f"{login}: the SSH agent has no key ("
            + (f"SSH_AUTH_SOCK is {where}" if where else "SSH_AUTH_SOCK is not set")
            + "): start one and `ssh-add` the key, or set machines.ssh.privateKey"
        )
    return keys


def _read_key(text: str) -> "paramiko.PKey":
    import paramiko

    text = openssh_format(text)
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        with suppress(paramiko.SSHException, ValueError, TypeError):
            return kind.from_private_key(io.StringIO(text))
    raise OperatorError(
        "the SSH private key in the stack's config cannot be parsed: it must be a complete "
        "Ed25519, ECDSA or RSA key without a passphrase, with its BEGIN and END lines"
    )
