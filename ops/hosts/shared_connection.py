"""A connection that all threads of a run share: the one to a bastion.

Each look at a host behind a bastion would open a connection of its own otherwise, and sshd drops
connections when many begin at once (MaxStartups). Streams to hosts do not count against the
bastion's MaxSessions.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from ops.errors import OperatorError

if TYPE_CHECKING:
    import paramiko

STREAM_SECONDS = 10


class SharedConnection:
    """A connection that is opened when it is needed, and again when it has died.

    `dial` opens it, retrying until the deadline that it gets.
    """

    def __init__(self, dial: "Callable[[float], paramiko.Transport]") -> None:
        self._dial = dial
        self._dialing = Lock()
        self._transport: paramiko.Transport | None = None
        self._failure: tuple[float, OperatorError] | None = None

    def stream(self, there: tuple[str, int], deadline: float) -> "paramiko.Channel":
        """Open a stream to an address beyond it."""
        transport = self._connected(deadline)
        try:
            return _stream(transport, there)
        except (EOFError, OSError):
            transport.close()
        except Exception:
            # A host that does not answer is no reason to close the streams to all others.
            if transport.is_active():
                raise
        return _stream(self._connected(deadline), there)

    def _connected(self, deadline: float) -> "paramiko.Transport":
        began = time.monotonic()
        with self._dialing:
            if self._transport is not None and self._transport.is_active():
                return self._transport
            if self._failure is not None and self._failure[0] > began:
                # It failed while this thread waited for it.
                raise self._failure[1]
            try:
                self._transport = self._dial(deadline)
            except OperatorError as error:
                self._failure = time.monotonic(), error
                raise
            return self._transport


def _stream(transport: "paramiko.Transport", there: tuple[str, int]) -> "paramiko.Channel":
    return transport.open_channel("direct-tcpip", there, ("127.0.0.1", 0), timeout=STREAM_SECONDS)
