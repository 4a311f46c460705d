"""A client that continuously queries a service over new connections, and records the results."""

import threading
import time
from types import TracebackType

import urllib3

EVERY_SECONDS = 0.1
TIMEOUT = urllib3.Timeout(connect=2, read=2)


class HttpProbe:
    """Asks from its start to its end, in a thread of its own; `failures` says when and how."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.requests = 0
        self.failures: list[str] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def __enter__(self) -> "HttpProbe":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    def __str__(self) -> str:
        return f"{self.requests} requests, {len(self.failures)} failed"

    def _ask_on(self) -> None:
        began = time.monotonic()
        while not self._ends.wait(EVERY_SECONDS):
            self.requests += 1
            try:
                answer = urllib3.PoolManager().request(
                    "GET", self._url, timeout=TIMEOUT, retries=False
                )
                error = "" if answer.status == 200 else f"status {answer.status}"
            except urllib3.exceptions.HTTPError as failure:
                error = f"{type(failure).__name__}: {failure}"
            if error:
                self.failures.append(f"{time.monotonic() - began:.1f} s: {error}")
