"""Whoever logs in, as root: one bash that reads what it runs from standard input."""

from collections.abc import Iterable
from itertools import chain

from model import sudo as root
from ops.hosts.ssh import Connection, Finished


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
    login = connection.login
    script = f'eval "$(head --bytes={len(text)})"; {call}'
    needs_password = login.sudo_password is not None
    return connection.run(
        root.command(script, sudo=login.sudo, needs_password=needs_password, seconds=limit),
        chain([root.sudo_preamble(login.sudo_password).encode(), text], stream),
        seconds=seconds,
    )
