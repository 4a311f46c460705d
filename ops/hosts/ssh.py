"""SSH connections: login, host key verification, and commands.

The host must present the pinned key. With an AEAD cipher and chunks that fit a packet, paramiko is
as fast as scp (measured: 270 MB/s against 104 MB/s on loopback), so it also sends bundles.
"""

import io
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

from model.ssh_keys import openssh_format
from ops.errors import OperatorError
from ops.hosts.bastion_pool import BastionPool
from ops.hosts.login import Login
from ops.wait import wait_until

if TYPE_CHECKING:
    import paramiko

DIAL_SECONDS = 10
KEEPALIVE_SECONDS = 15
SILENT_SECONDS = 60
# Parallel handshakes of this process, over all clusters: key exchanges compete for its processor,
# and each must end within the dial time.
HANDSHAKES = BoundedSemaphore(32)
# Fits into one SSH packet (RFC 4253, section 6.1), so that paramiko copies nothing twice.
CHUNK = 32_000
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")

# paramiko logs with a traceback what is raised here anyway; without a handler it would be printed.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Unreachable(OperatorError):
    """The host is unreachable, shows an unexpected host key, or rejects the login."""


class WrongHostKey(Unreachable):
    """The host key differs from the pinned one."""


class ConnectionLost(Unreachable):
    """The connection ended while a command ran."""


@dataclass(frozen=True)
class Finished:
    """A finished command: its exit status (-1 if a signal killed it) and its output."""

    status: int
    out: str
    err: str

    @property
    def ending(self) -> str:
        """Return how it ended, for an error message."""
        return f"status {self.status}" if self.status >= 0 else "killed by a signal"


@dataclass(frozen=True)
class Terminal:
    """What the host is to believe that it writes to; `kind` such as "xterm-256color"."""

    kind: str
    columns: int
    rows: int


class Connection:
    """A connection that runs any number of commands serially."""

    def __init__(self, transport: "paramiko.Transport", login: Login) -> None:
        self._transport = transport
        self.login = login

    @property
    def is_alive(self) -> bool:
        """Whether the host still answers."""
        return self._transport.is_active()

    def open(self, command: str | None, terminal: Terminal | None = None) -> "paramiko.Channel":
        """Start a command, or the user's shell, whose streams the caller reads and writes."""
        try:
            channel = self._transport.open_session(timeout=DIAL_SECONDS)
            if terminal is not None:
                channel.get_pty(terminal.kind, terminal.columns, terminal.rows)
            if command is None:
                channel.invoke_shell()
            else:
                channel.exec_command(command)
        except (OSError, EOFError, _ssh_error()) as error:
            raise self._lost(error) from None
        return channel

    def run(self, command: str, stdin: Iterable[bytes], *, seconds: float) -> Finished:
        """Run a command; `seconds` limits how long it may neither write nor read."""
        try:
            channel = self._transport.open_session(timeout=DIAL_SECONDS)
            channel.settimeout(seconds)
            channel.exec_command(command)
            with suppress(BrokenPipeError, ConnectionError):
                # A command may exit before it has read everything: its status shows the reason.
                for chunk in stdin:
                    send(channel, chunk)
                channel.shutdown_write()
            out, err = _read(channel.recv), _read(channel.recv_stderr)
            if not channel.status_event.wait(seconds):
                raise TimeoutError
            finished = Finished(channel.recv_exit_status(), out, err)
            if finished.status < 0 and not channel.eof_received:
                raise EOFError("the command had not ended")
            return finished
        except TimeoutError:
            raise Unreachable(
                f"{self.login}: a command wrote nothing for {seconds:.0f} s: check the load of "
                "the host and of the network, then run `fleet up` again"
            ) from None
        except (OSError, EOFError, _ssh_error()) as error:
            raise self._lost(error) from None

    def _lost(self, error: Exception) -> ConnectionLost:
        why = str(error) or "the host ended it"
        return ConnectionLost(
            f"{self.login}: the connection was lost ({why}): run the command again"
        )


@contextmanager
def connected(login: Login, *, patience_seconds: float = 0) -> Iterator[Connection]:
    """Connect and log in, retrying for `patience_seconds` while the host is unreachable.

    Raises Unreachable, or WrongHostKey without retrying.
    """
    deadline = time.monotonic() + patience_seconds
    with _transport(login, deadline) as transport:
        yield Connection(transport, login)


@contextmanager
def _transport(login: Login, deadline: float) -> "Iterator[paramiko.Transport]":
    with _closed(_dial(login, deadline)) as transport:
        yield transport


def reach(login: Login, deadline: float = 0) -> Any:
    """Open a stream to the host's sshd, through the bastion if there is one."""
    if (before := login.bastion_login) is None:
        return _tcp(login)
    return _bastion(before).stream((login.host, login.port), deadline)


def _bastion(login: Login) -> BastionPool:
    """Return this process's connections to a bastion; they last as long as the process."""
    with _SHARING:
        return _shared(login)


# Two concurrent threads would each make one.
_SHARING = Lock()


@cache
def _shared(login: Login) -> BastionPool:
    def dial(deadline: float) -> "paramiko.Transport":
        transport = _dial(login, deadline)
        # What it does not acknowledge, keep-alive messages included, ends the connection.
        timeout = SILENT_SECONDS * 1000
        connection: Any = transport.sock
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
        return transport

    return BastionPool(dial)


def _dial(login: Login, deadline: float) -> "paramiko.Transport":
    return wait_until(
        lambda: _login(login, reach(login, deadline)),
        deadline - time.monotonic(),
        lambda reason: Unreachable(
            f"{login} cannot be reached: {reason}. Check address, port, firewall and that sshd "
            "runs, then run the command again"
        ),
        passing=(OSError, EOFError, _ssh_error()),
    )


def _tcp(login: Login) -> socket.socket:
    connection = socket.create_connection((login.host, login.port), timeout=DIAL_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _login(login: Login, connection: Any) -> "paramiko.Transport":
    import paramiko

    transport = paramiko.Transport(connection)
    try:
        options = transport.get_security_options()
        options.ciphers = [cipher for cipher in CIPHERS if cipher in options.ciphers]
        if login.host_key is not None:
            options.key_types = _signatures(login.host_key, options.key_types)
        with HANDSHAKES:
            _greet(transport, login)
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


def _greet(transport: "paramiko.Transport", login: Login) -> None:
    """Exchange keys; reject a host key that differs from the pinned one."""
    from paramiko.ssh_exception import IncompatiblePeer

    try:
        transport.start_client(timeout=DIAL_SECONDS)
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


def send(channel: "paramiko.Channel", data: bytes) -> None:
    """Write all of it, in pieces that fit a packet."""
    for start in range(0, len(data), CHUNK):
        channel.sendall(data[start : start + CHUNK])


def _read(receive: Callable[[int], bytes]) -> str:
    parts = []
    while part := receive(CHUNK):
        parts.append(part)
    return b"".join(parts).decode(errors="replace")


def _ssh_error() -> type[Exception]:
    from paramiko import SSHException

    return SSHException


@contextmanager
def _closed(transport: "paramiko.Transport") -> "Iterator[paramiko.Transport]":
    try:
        yield transport
    finally:
        transport.close()
