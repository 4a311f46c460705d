"""One request on a connection of HTTP/2, and what is done with its answer as it comes in."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from ops.kube.client import JSON
from ops.kube.errors import ApiError, Unavailable, from_response

# Of an answer that is an error, so much is read.
ERROR_BYTES = 64 * 1024

# The message of the error of a request whose time is up.
LATE = "no answer in time"

# What an answer raises that is not what it should be.
ODD = (KeyError, TypeError, ValueError, AttributeError, IndexError)

Receive = Callable[[bytes], None]
End = Callable[["ApiError | None"], None]


class Exchange:
    """A request; `receive` gets the body of a good answer, `end` is called once, with any error.

    With `seconds`, the answer has to be complete by then; without, only its head within
    HEAD_SECONDS, since the body has no end. `accept` is the media type of the answer.
    """

    HEAD_SECONDS = 15.0

    def __init__(
        self,
        path: str,
        receive: Receive,
        end: End,
        *,
        seconds: float | None = None,
        body: bytes | None = None,
        accept: str = JSON,
    ) -> None:
        self.path, self.body = path, body
        self.accept = f"{accept}, */*"
        self.method = "GET" if body is None else "POST"
        self.deadline: float | None = None
        # When it was sent, in seconds of a monotonic clock.
        self.begun = 0.0
        self.is_ended = False
        self.cancel: Callable[[], None] | None = None
        self._seconds, self._receive, self._end = seconds, receive, end
        self._status: int | None = None
        self._headers: Mapping[str, str] = {}
        self._error = bytearray()

    def started(self, now: float, cancel: Callable[[], None]) -> None:
        """Note when it was sent, and how it is ended from this side."""
        self.begun = now
        self.deadline = now + (self.HEAD_SECONDS if self._seconds is None else self._seconds)
        self.cancel = cancel

    def head(self, headers: Mapping[str, str]) -> None:
        """Take the head of the answer."""
        status = headers.get(":status", "")
        self._status = int(status) if status.isdigit() else 0
        self._headers = headers
        if self._seconds is None:
            self.deadline = None

    def data(self, content: bytes) -> None:
        """Take a part of the body."""
        if self._is_good:
            try:
                self._receive(content)
            except ApiError as error:
                self._stop(error)
            except ODD as error:
                self._stop(odd(error))
        elif len(self._error) < ERROR_BYTES:
            self._error += content

    def finish(self, error: ApiError | None = None) -> None:
        """End it, from whichever side; a second time does nothing."""
        if self.is_ended:
            return
        self.is_ended = True
        if error is None and not self._is_good:
            error = from_response(
                self._status or 0, bytes(self._error), self._headers.get("retry-after", "")
            )
        self._end(error)

    def _stop(self, error: ApiError) -> None:
        """End it from this side: the rest of its answer does not matter."""
        if self.cancel is not None:
            self.cancel()
        self.finish(error)

    @property
    def _is_good(self) -> bool:
        return self._status is not None and self._status < HTTPStatus.MULTIPLE_CHOICES


def odd(error: Exception) -> ApiError:
    """Return the error of an answer that is not what it should be."""
    return Unavailable(None, f"its answer cannot be understood: {type(error).__name__}: {error}")
