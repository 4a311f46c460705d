"""A webhook: each event is posted until the other side has taken it, in a thread of its own."""

import hashlib
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Timeout, parse_url

from model.watch.event import Event
from ops.errors import OperatorError
from ops.watch.backoff import Backoff
from ops.watch.endpoint import Address
from ops.watch.sinks import Sink, to_json

TOO_MANY, REDIRECTS, OK = 429, range(300, 400), range(200, 300)


@dataclass(frozen=True)
class Pace:
    """Seconds: for a connection, for an answer, until the first retry, at most until one, and at
    the end of the process for what is still to be delivered."""

    connect: float = 5.0
    answer: float = 10.0
    first: float = 1.0
    longest: float = 300.0
    closing: float = 3.0


class Failed(Exception):
    """An event was not taken; `wait` is for how many seconds the other side asks."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Webhook(Sink):
    """Posts events in their order, each until the answer has a status from 200 to 299.

    `address` is read for each attempt, and `body` makes what is posted. The header Idempotency-Key
    is the same when an event is posted again, and another one for each other event. `say` gets a
    line when it begins to fail, when it fails in another way, and when it works again; no line has
    anything of the address.
    """

    def __init__(
        self,
        name: str,
        address: Callable[[], Address],
        body: Callable[[Event], str],
        say: Callable[[str], None],
        pace: Pace | None = None,
    ) -> None:
        self.name = name
        self.failures = 0
        self._address, self._body, self._say = address, body, say
        self._pace = pace or Pace()
        self._changed = threading.Condition()
        self._waiting: list[Event] = []
        self._taken = 0
        self._is_closing = False
        self._failure = ""
        self._thread: threading.Thread | None = None

    def deliver(self, events: Sequence[Event]) -> int:
        """Post these events by and by; return the number of the last one that was taken so far."""
        with self._changed:
            if not self._is_closing:
                self._waiting = [event for event in events if event.id > self._taken]
                self._changed.notify_all()
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                    self._thread.start()
            return self._taken

    def close(self) -> None:
        """Post what is waiting for some seconds, unless that fails."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._pace.closing)

    def _run(self) -> None:
        backoff = Backoff(self._pace.first, self._pace.longest)
        while (event := self._next()) is not None:
            try:
                _post(self._address(), self._body(event), key(event), self._pace)
            except Exception as error:  # Also what nobody foresaw: the event has not been taken.
                self._failed(error)
                asked = error.wait if isinstance(error, Failed) else 0.0
                if self._pause(max(backoff.next(), min(asked, self._pace.longest))):
                    return
            else:
                backoff.reset()
                self._took(event)

    def _next(self) -> Event | None:
        """Wait for an event; None when it is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            return self._waiting[0] if self._waiting else None

    def _pause(self, seconds: float) -> bool:
        """Wait before another attempt; return whether there is none."""
        with self._changed:
            spread = seconds * random.uniform(0.9, 1.1)  # noqa: S311
            return self._changed.wait_for(lambda: self._is_closing, spread)

    def _took(self, event: Event) -> None:
        if self._failure:
            self._failure = ""
            self._say(f"{self.name} takes events again")
        with self._changed:
            self._taken = event.id
            self._waiting = [each for each in self._waiting if each.id > event.id]

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        is_known = isinstance(error, Failed | OperatorError)
        text = str(error) if is_known else f"it failed ({type(error).__name__})"
        if text != self._failure:
            self._failure = text
            self._say(f"{self.name} takes no events: {text}; they are kept and posted again")


def key(event: Event) -> str:
    """Return what identifies an event among all that any `fleet watch` ever posts."""
    return hashlib.sha256(to_json(event).encode()).hexdigest()[:32]


def _post(address: Address, body: str, event_key: str, pace: Pace) -> None:
    """Post once; raise Failed, whose text has nothing of the address."""
    headers = {
        "User-Agent": "kubeadm-fleet-watch",
        **address.headers,
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{event_key}"',
    }
    try:
        with _pool(address.url) as pool:
            response = pool.request(
                "POST",
                address.url,
                body=body.encode(),
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                timeout=Timeout(connect=pace.connect, read=pace.answer),
            )
            status, after = response.status, response.headers.get("Retry-After", "")
            response.close()
    except HTTPError as error:
        raise Failed(_why(error, pace)) from None
    if status in REDIRECTS:
        raise Failed(f"it redirects (status {status}), which is not followed: name the final URL")
    if status not in OK:
        raise Failed(f"its status is {status}", float(after) if after.isdecimal() else 0.0)


def _pool(url: str) -> urllib3.PoolManager:
    """Return what connects, through the proxy of the environment if there is one."""
    found = parse_url(url)
    proxy = getproxies().get(found.scheme or "")
    if not proxy or proxy_bypass(found.host or ""):
        return urllib3.PoolManager()
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    auth = parse_url(proxy).auth
    return urllib3.ProxyManager(
        proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=auth) if auth else None
    )


def _why(error: HTTPError, pace: Pace) -> str:
    """Return why there was no answer, without the URL that some of these errors quote."""
    if isinstance(error, NameResolutionError):
        return "its host's name cannot be resolved"
    if isinstance(error, ReadTimeoutError):
        return f"no answer within {pace.answer:g} s"
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return f"no connection within {pace.connect:g} s"
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(error, SSLError):
        return f"TLS: {getattr(cause, 'verify_message', '') or type(cause).__name__}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if isinstance(error, ProtocolError):
        return "the connection was closed without an answer"
    return f"it cannot be reached ({type(error).__name__})"
