"""Root on a host: one bash that reads its script from standard input."""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from model import sudo as root
from ops.hosts.login import Login
from ops.hosts.ssh import Connection, Finished, send

if TYPE_CHECKING:
    import paramiko


def run_as_root(
    connection: Connection,
    text: bytes,
    call: str,
    stream: Iterable[bytes] = (),
    *,
    limit: int,
    seconds: float,
) -> Finished:
    """Run `call` after `text`, which travels in front of the stream that `call` reads.

    It is ended there after `limit` seconds (0: never), and here after `seconds` of silence.
    """
    command, preamble = _as_root(connection.login, text, call, limit)
    return connection.run(command, chain([preamble, text], stream), seconds=seconds)


def open_as_root(connection: Connection, text: bytes, call: str) -> "paramiko.Channel":
    """Start `call` after `text`; the caller reads what it writes, for as long as it likes."""
    command, preamble = _as_root(connection.login, text, call, limit=0)
    channel = connection.open(command)
    send(channel, preamble + text)
    return channel


def _as_root(login: Login, text: bytes, call: str, limit: int) -> tuple[str, bytes]:
    script = f'eval "$(head --bytes={len(text)})"; {call}'
    needs_password = login.sudo_password is not None
    command = root.command(script, sudo=login.sudo, needs_password=needs_password, seconds=limit)
    return command, root.sudo_preamble(login.sudo_password).encode()
