"""Root on a host: sudo, its password, and one bash that reads its script from standard input.

A password for sudo is sent in front of the command's standard input, followed by an empty line.
sudo takes the first line if it asks; the remaining lines up to the empty one are discarded. So a
host whose sudo does not ask, or not again, is handled the same way.
"""

from collections.abc import Iterable
from itertools import chain
from shlex import quote
from typing import TYPE_CHECKING

from ops.hosts.login import Login
from ops.hosts.ssh import Connection, Finished, Report, send

if TYPE_CHECKING:
    import paramiko

KILL_AFTER_SECONDS = 10
# The environment of everything that runs as root, whatever the host adds to it (/etc/environment,
# which sudo reads, its env_keep and secure_path, ~/.ssh/environment): a proxy, which kubeadm would
# write into static pods; a KUBECONFIG or ~/.kube of another cluster; a PATH without /usr/local/bin;
# a language that changes the output of programs.
ENVIRONMENT = (
    "env --ignore-environment HOME=/ LC_ALL=C.UTF-8 "
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)
DISCARD_PREAMBLE = "while IFS= read -r line && [[ $line ]]; do :; done; "


def run_as_root(
    connection: Connection,
    text: bytes,
    call: str,
    stream: Iterable[bytes] = (),
    *,
    limit: int,
    seconds: float,
    report: Report | None = None,
) -> Finished:
    """Run `call` after `text`, which travels in front of the stream that `call` reads.

    It is ended there after `limit` seconds (0: never), and here after `seconds` of silence;
    `report` gets each line of its output.
    """
    command, preamble = _as_root(connection.login, text, call, limit)
    given = chain([preamble, text], stream)
    return connection.run(command, given, seconds=seconds, report=report)


def open_as_root(connection: Connection, text: bytes, call: str) -> "paramiko.Channel":
    """Start `call` after `text`; the caller reads what it writes, without a time limit."""
    command, preamble = _as_root(connection.login, text, call, limit=0)
    channel = connection.open(command)
    send(channel, preamble + text)
    return channel


def root_command(
    script: str, *, sudo: bool, needs_password: bool, seconds: int, words: str = ""
) -> str:
    """Return the command that runs a bash script as root, at most `seconds` long (0: no limit).

    `needs_password` means that a password is sent in front of the script's standard input; `words`
    are the script's own, its name first. The script has the environment above.
    """
    if not sudo:
        become, before = "", ""
    elif needs_password:
        become, before = "sudo --stdin --prompt= ", DISCARD_PREAMBLE
    else:
        become, before = "sudo --non-interactive ", ""
    limit = f"timeout --kill-after={KILL_AFTER_SECONDS} {seconds}"
    command = f"exec {become}{limit} {ENVIRONMENT} bash -c {quote(before + script)} {words}"
    return command.rstrip()


def sudo_preamble(password: str | None) -> str:
    """Return the prefix of the script's standard input."""
    return "" if password is None else f"{password}\n\n"


def _as_root(login: Login, text: bytes, call: str, limit: int) -> tuple[str, bytes]:
    script = f'eval "$(head --bytes={len(text)})"; {call}'
    needs_password = login.sudo_password is not None
    command = root_command(script, sudo=login.sudo, needs_password=needs_password, seconds=limit)
    return command, sudo_preamble(login.sudo_password).encode()
