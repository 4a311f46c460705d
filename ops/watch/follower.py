"""The log of one container, line by line, for as long as its pod exists.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
"""

import time
from collections.abc import Callable
from urllib.parse import urlencode

from ops.kube.cluster_health import SYSTEM_PODS
from ops.kube.errors import ApiError
from ops.watch.backoff import Backoff
from ops.watch.collection import Lines
from ops.watch.exchange import ODD, Exchange, odd
from ops.watch.session import Session

# A line that is longer than 16 KiB is kept in pieces.
TAIL = 2
LONGEST_LINE = 1 << 20
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 20.0


class Follower:
    """Follows a container's log; `take` gets each line, the last ones of before as well.

    It asks again when it is cut off, and when nothing came for `silence` seconds: the way to a
    Node may have been lost without a word. `is_read` says that a line came, `error` why not;
    `failed` is called when there is an error.
    """

    def __init__(
        self,
        session: Session,
        pod: str,
        container: str,
        take: Callable[[bytes], None],
        silence: float,
        failed: Callable[[], None],
    ) -> None:
        query = urlencode({"container": container, "follow": "true", "tailLines": str(TAIL)})
        self._path = f"{SYSTEM_PODS}/{pod}/log?{query}"
        self._session, self._take, self._silence = session, take, silence
        self._failed = failed
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        self._is_stopped = False
        self._exchange: Exchange | None = None
        self._heard = 0.0
        self.is_read = False
        self.error: ApiError | None = None

    def start(self) -> None:
        """Begin, or begin again."""
        if self._is_stopped:
            return
        lines = Lines(self._line, LONGEST_LINE)
        self._heard = time.monotonic()
        self._exchange = exchange = Exchange(self._path, lines.feed, self._ended)
        self._session.open(exchange)
        if not exchange.is_ended:
            self._session.after(self._silence, lambda: self._check(exchange))

    def stop(self) -> None:
        """End it permanently."""
        self._is_stopped = True
        self._cut()

    def _line(self, line: bytes) -> None:
        self._heard = time.monotonic()
        self._backoff.reset()
        try:
            self._take(line)
        except ODD as error:
            # Such as the second half of a long line, with which the tail began.
            self.error = odd(error)
        else:
            self.is_read, self.error = True, None

    def _ended(self, error: ApiError | None) -> None:
        if self._is_stopped:
            return
        self.error = error
        if error is not None:
            self._failed()
        self._session.jittered(self._backoff.next(), self.start)

    def _check(self, exchange: Exchange) -> None:
        if exchange.is_ended:
            return
        left = self._heard + self._silence - time.monotonic()
        if left > 0:
            self._session.after(left, lambda: self._check(exchange))
        else:
            self._cut()

    def _cut(self) -> None:
        if self._exchange is not None and not self._exchange.is_ended:
            if self._exchange.cancel is not None:
                self._exchange.cancel()
            self._exchange.finish()
