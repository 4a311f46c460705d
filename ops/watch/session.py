"""What one cluster is asked over: connections that are made again when they are lost, and timers.

Everything of a cluster happens in one thread, one thing after the other.
"""

import heapq
import itertools
import random
import select
import time
from collections.abc import Callable
from contextlib import suppress

from ops.errors import OperatorError, text_of
from ops.kube.access import Access
from ops.kube.errors import ApiError, Unavailable
from ops.kube.server_clock import ServerClock
from ops.watch.backoff import Backoff
from ops.watch.connection import Connection
from ops.watch.exchange import Exchange

# A server that refuses is asked again after so many seconds, at most LONGEST.
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 5.0
# So many requests of a connection are left for what is short.
RESERVE = 8
# How long a thread waits at most: it ends when it should.
TURN_SECONDS = 1.0


class Session:
    """The connections to one cluster, and what is to be done when.

    `access` is called for each connection that is made: credentials may have been renewed. `clock`
    is that of the API server that answered last.
    """

    def __init__(self, access: Callable[[], Access]) -> None:
        self._access = access
        self.clock = ServerClock()
        self._connections: list[Connection] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._failure: ApiError | None = None
        self._retry_at = 0.0
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call later, in this thread."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), call))

    def jittered(self, seconds: float, call: Callable[[], None]) -> None:
        """Call later, not at the same time as for all other clusters."""
        self.after(_jittered(seconds), call)

    def open(self, exchange: Exchange) -> None:
        """Send a request on a connection with room; it ends immediately if there is none."""
        try:
            connection = self._connection()
        except ApiError as error:
            exchange.finish(error)
            return
        connection.open(exchange)

    def renew(self, reason: str) -> None:
        """Close all connections: each request ends and begins again."""
        for connection in self._connections:
            connection.close(Unavailable(None, reason))
        self._connections.clear()

    def turn(self) -> None:
        """Wait for what comes in or is due, and do it."""
        self._connections = [each for each in self._connections if each.is_open]
        due = self._timers[0][0] if self._timers else time.monotonic() + TURN_SECONDS
        poll = select.poll()
        by_file = {each.fileno(): each for each in self._connections}
        for number in by_file:
            poll.register(number, select.POLLIN)
        wait = min(max(due - time.monotonic(), 0.0), TURN_SECONDS)
        for number, _ in poll.poll(wait * 1000):
            by_file[number].receive()
        now = time.monotonic()
        for connection in self._connections:
            if connection.is_open:
                connection.expire(now)
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()

    def _connection(self) -> Connection:
        for connection in self._connections:
            if connection.is_open and connection.room > RESERVE:
                return connection
        now = time.monotonic()
        if self._failure is not None and now < self._retry_at:
            raise self._failure
        try:
            access = self._access()
            # It negotiates HTTP/2 in the handshake; nothing else uses this context.
            with suppress(NotImplementedError):
                access.tls.set_alpn_protocols(["h2"])
            made = Connection(access, self.clock)
        except (ApiError, OperatorError) as error:
            self._failure = error if isinstance(error, ApiError) else ApiError(None, text_of(error))
            self._retry_at = time.monotonic() + _jittered(self._backoff.next())
            raise self._failure from None
        self._failure = None
        self._backoff.reset()
        self._connections.append(made)
        return made


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311
