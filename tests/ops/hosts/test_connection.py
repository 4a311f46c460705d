"""How a command on a host ends: with a status, by a signal, or with its connection."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import paramiko
import pytest

from ops.hosts.login import Login
from ops.hosts.ssh import Connection, Finished
from ops.hosts.ssh_errors import ConnectionLost

LOGIN = Login("192.0.2.1", 22, "root")
SECONDS = 10

Ending = Callable[[paramiko.Channel], object]


class Host(paramiko.ServerInterface):
    """Admits everybody, and ends every command in the same way, once it has begun."""

    def __init__(self, end: Ending) -> None:
        self._end = end

    def check_auth_none(self, username: str) -> int:
        """Admit everybody."""
        del username
        return paramiko.common.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Admit every session."""
        del kind, chanid
        return paramiko.common.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Run the command."""
        del command
        Thread(target=self._run, args=(channel,)).start()
        return True

    def _run(self, channel: paramiko.Channel) -> None:
        channel.recv(1)  # It has begun when its standard input has ended.
        channel.sendall(b"begun\n")
        self._end(channel)


@contextmanager
def connected(end: Ending) -> Iterator[Connection]:
    """Give a connection to a host whose commands end so."""
    here, there = socket.socketpair()
    server, client = paramiko.Transport(there), paramiko.Transport(here)
    try:
        server.add_server_key(paramiko.ECDSAKey.generate())
        server.start_server(Event(), Host(end))
        client.start_client(timeout=SECONDS)
        client.auth_none(LOGIN.user)
        yield Connection(client, LOGIN)
    finally:
        client.close()
        server.close()


def with_status(channel: paramiko.Channel) -> None:
    channel.send_exit_status(3)
    channel.close()


def with_its_connection(channel: paramiko.Channel) -> None:
    assert channel.transport
    channel.transport.close()


@pytest.mark.parametrize(
    ("end", "finished", "ending"),
    [
        (with_status, Finished(3, "begun\n", ""), "status 3"),
        # A server gives no status then (RFC 4254, section 6.10).
        (paramiko.Channel.close, Finished(-1, "begun\n", ""), "killed by a signal"),
    ],
)
def test_a_command_ends_with_a_status_or_by_a_signal(
    end: Ending, finished: Finished, ending: str
) -> None:
    with connected(end) as connection:
        assert connection.run("true", (), seconds=SECONDS) == finished
    assert finished.ending == ending


def test_a_connection_that_is_lost_is_not_taken_for_the_end_of_the_command() -> None:
    with (
        connected(with_its_connection) as connection,
        pytest.raises(ConnectionLost, match=r"192\.0\.2\.1:22: the connection was lost \(\w"),
    ):
        connection.run("true", (), seconds=SECONDS)
