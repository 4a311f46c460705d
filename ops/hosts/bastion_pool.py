"""Connections to one bastion, reused by all threads of a run.

A connection carries one stream to a host at a time, and the next one when that is closed. It cannot
carry several: paramiko may send data for a stream that has just been closed, and sshd then drops
the connection with all that is in it. Few are opened at a time, since sshd drops some of those that
have not logged in (MaxStartups).
"""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Any

from ops.errors import OperatorError

if TYPE_CHECKING:
    import paramiko

STREAM_SECONDS = 10
# Below sshd's default of ten.
DIALS = 8


class Stream:
    """A stream to a host, for a paramiko Transport: what is closed here sends nothing more."""

    def __init__(self, channel: "paramiko.Channel") -> None:
        self._channel = channel
        self._lock = Lock()
        self.was_closed_here = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def send(self, data: bytes) -> int:
        """Send some of the data."""
        with self._lock:
            return self._channel.send(data)

    def close(self) -> None:
        """Close it."""
        with self._lock:
            if not self._channel.closed:
                self.was_closed_here = True
                self._channel.close()


class BastionPool:
    """Connections that are opened when they are needed; one that has died is not used again.

    `dial` opens one, retrying until the deadline that it gets.
    """

    def __init__(self, dial: "Callable[[float], paramiko.Transport]") -> None:
        self._dial = dial
        self._lock = Lock()
        self._dialing = BoundedSemaphore(DIALS)
        self._used: list[tuple[paramiko.Transport, Stream]] = []
        self._failure: tuple[float, OperatorError] | None = None

    def stream(self, there: tuple[str, int], deadline: float) -> Stream:
        """Open a stream to an address beyond the bastion."""
        while (transport := self._take()) is not None:
            # One that died unnoticed is replaced by the next one; a host's refusal is final.
            with suppress(EOFError, OSError):
                return self._open(transport, there)
        return self._open(self._connect(deadline), there)

    def _take(self) -> "paramiko.Transport | None":
        """Return a connection whose stream has ended."""
        with self._lock:
            self._used = [entry for entry in self._used if entry[0].is_active()]
            for entry in self._used:
                transport, stream = entry
                if stream.was_closed_here:
                    self._used.remove(entry)
                    return transport
        return None

    def _open(self, transport: "paramiko.Transport", there: tuple[str, int]) -> Stream:
        try:
            channel = transport.open_channel(
                "direct-tcpip", there, ("127.0.0.1", 0), timeout=STREAM_SECONDS
            )
        except BaseException:
            transport.close()
            raise
        stream = Stream(channel)
        with self._lock:
            self._used.append((transport, stream))
        return stream

    def _connect(self, deadline: float) -> "paramiko.Transport":
        began = time.monotonic()
        with self._dialing:
            if self._failure is not None and self._failure[0] > began:
                # It failed while this thread waited for it.
                raise self._failure[1]
            try:
                return self._dial(deadline)
            except OperatorError as error:
                self._failure = time.monotonic(), error
                raise
