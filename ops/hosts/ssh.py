"""SSH connections: opened, through a bastion if there is one, and commands over them.

With an AEAD cipher and chunks that fit a packet, paramiko is as fast as scp (measured: 270 MB/s
against 104 MB/s on loopback), so it also sends bundles.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from ops.hosts.bastion_pool import BastionPool
from ops.hosts.login import Login
from ops.hosts.ssh_errors import ConnectionLost, Unreachable
from ops.hosts.ssh_handshake import log_in
from ops.wait import wait_until

if TYPE_CHECKING:
    import paramiko

DIAL_SECONDS = 10
SILENT_SECONDS = 60
# Fits into one SSH packet (RFC 4253, section 6.1), so that paramiko copies nothing twice.
CHUNK = 32_000

# paramiko logs with a traceback what is raised here anyway; without a handler it would be printed.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


# Gets a line of a command's output.
Report = Callable[[str], None]


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
    """The terminal that the host writes to; `kind` such as "xterm-256color"."""

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

    def run(
        self, command: str, stdin: Iterable[bytes], *, seconds: float, report: Report | None = None
    ) -> Finished:
        """Run a command; `seconds` limits how long it may neither write nor read.

        With `report`, which gets each line immediately, its errors are part of its output.
        """
        try:
            channel = self._transport.open_session(timeout=DIAL_SECONDS)
            channel.settimeout(seconds)
            channel.set_combine_stderr(report is not None)
            channel.exec_command(command)
            with suppress(BrokenPipeError, ConnectionError):
                # A command may exit before it has read everything: its status shows the reason.
                for chunk in stdin:
                    send(channel, chunk)
                channel.shutdown_write()
            out, err = _read(channel.recv, report), _read(channel.recv_stderr)
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
    return BastionPool(lambda deadline: _dial(login, deadline))


def _dial(login: Login, deadline: float) -> "paramiko.Transport":
    return wait_until(
        lambda: log_in(login, reach(login, deadline), DIAL_SECONDS),
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
    # What is not acknowledged, keep-alive messages included, ends the connection: a machine that
    # died is noticed long before its command's time limit.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_SECONDS * 1000)
    return connection


def send(channel: "paramiko.Channel", data: bytes) -> None:
    """Write all of it, in pieces that fit a packet."""
    for start in range(0, len(data), CHUNK):
        channel.sendall(data[start : start + CHUNK])


def _read(receive: Callable[[int], bytes], report: Report | None = None) -> str:
    parts, line = [], b""
    while part := receive(CHUNK):
        parts.append(part)
        if report is not None:
            *lines, line = (line + part).split(b"\n")
            for complete in lines:
                report(complete.decode(errors="replace"))
    if report is not None and line:
        report(line.decode(errors="replace"))
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
