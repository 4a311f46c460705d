"""The local terminal, attached to a shell on a host."""

import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ops.hosts.ssh import Terminal

if TYPE_CHECKING:
    import paramiko


def terminal() -> Terminal:
    """Return the terminal's type and its current size."""
    columns, rows = shutil.get_terminal_size()
    return Terminal(os.environ.get("TERM", "vt100"), columns, rows)


@contextmanager
def raw_mode(channel: "paramiko.Channel") -> Iterator[None]:
    """Pass on every key unmodified and every change of the window's size.

    Afterwards the terminal is restored, even if this process is terminated.
    """

    def resize(*_: object) -> None:
        # Not `get_terminal_size` of shutil, which prefers COLUMNS and LINES.
        columns, rows = os.get_terminal_size(0)
        channel.resize_pty(columns, rows)

    before = termios.tcgetattr(0)
    handlers = {
        signal.SIGWINCH: signal.signal(signal.SIGWINCH, resize),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number)),
        signal.SIGHUP: signal.signal(signal.SIGHUP, lambda number, _: sys.exit(128 + number)),
    }
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
