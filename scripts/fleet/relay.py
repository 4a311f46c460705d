"""Relays bytes unmodified between this process and a command on a host."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import paramiko

CHUNK = 32_000
# The exit status of a program that wrote to a closed pipe (128 + SIGPIPE).
BROKEN_PIPE_STATUS = 141


def relay(channel: "paramiko.Channel", *, stdin: int | None = 0) -> int:
    """Connect the command to this process's own streams; return its exit status when it ends.

    The status is -1 if the host reported none. Without `stdin`, the command's input never ends.
    """
    broken = threading.Event()
    if stdin is not None:
        # It may be waiting for a key when the command ends, and is then abandoned.
        threading.Thread(target=_send, args=(stdin, channel), daemon=True).start()
    errors = threading.Thread(target=_receive, args=(channel.recv_stderr, 2, channel, broken))
    errors.start()
    _receive(channel.recv, 1, channel, broken)
    errors.join()
    return BROKEN_PIPE_STATUS if broken.is_set() else channel.recv_exit_status()


def _send(source: int, channel: "paramiko.Channel") -> None:
    with suppress(OSError):  # The command may end before it has read everything.
        while data := os.read(source, CHUNK):
            channel.sendall(data)
        channel.shutdown_write()


def _receive(
    receive: Callable[[int], bytes],
    target: int,
    channel: "paramiko.Channel",
    broken: threading.Event,
) -> None:
    try:
        while data := receive(CHUNK):
            write_all(target, data)
    except BrokenPipeError:
        broken.set()
        channel.close()


def write_all(target: int, data: bytes) -> None:
    """Write everything to a descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
