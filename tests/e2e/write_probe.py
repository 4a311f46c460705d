"""A client that continuously writes, and reports gaps, failed writes and lost writes.

Every write is an object of its own, so that an acknowledged one either exists at the end or is
lost. A failed write may exist as well: it was not acknowledged.
"""

import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType

from ops.kube.client import Client
from ops.kube.errors import ApiError

EVERY_SECONDS = 0.2
# How long the client waits for a connection and for an answer before it tries again, unless told.
ANSWER_SECONDS = 1
PATH = "/api/v1/namespaces/default/configmaps"
LABEL = "test.kubeadm-fleet/written"


@dataclass(frozen=True)
class WriteAttempt:
    """One write, with the clock (time.monotonic) when it was sent and when it ended."""

    name: str
    sent: float
    ended: float
    error: str | None


@dataclass(frozen=True)
class AvailabilityReport:
    """What a client saw of the API for a while."""

    seconds: float
    writes: int
    failed: int
    lost: int
    longest_gap: float
    errors: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.writes} writes in {self.seconds:.0f} s, longest gap {self.longest_gap:.2f} s, "
            f"{self.failed} failed, {self.lost} lost"
        )


class WriteProbe:
    """Writes from its start to its end, in a thread of its own."""

    def __init__(self, kubeconfig: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._client = Client(kubeconfig)
        self._writer = self._client.limited(retries=0, seconds=answer_seconds)
        self._attempts: list[WriteAttempt] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._write_on)
        # Objects of an earlier writer in the same cluster have other names.
        self._prefix = f"write-{time.time_ns()}"

    def __enter__(self) -> "WriteProbe":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    def await_calm(self, seconds: float, deadline_seconds: float) -> None:
        """Return when every write of the last `seconds` was acknowledged."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < deadline_seconds:
            recent = [each for each in self._attempts if each.ended > time.monotonic() - seconds]
            if waited > seconds and recent and not any(each.error for each in recent):
                return
            time.sleep(EVERY_SECONDS)
        last = [each.error for each in self._attempts[-5:]]
        raise AssertionError(f"no {seconds} s of calm within {deadline_seconds} s: {last}")

    def figures(self, since: float, until: float) -> AvailabilityReport:
        """What was seen between two moments of time.monotonic."""
        seen = [each for each in self._attempts if since <= each.ended <= until]
        acknowledged = [each for each in seen if each.error is None]
        there = self._there()
        moments = [since, *(each.ended for each in acknowledged), until]
        return AvailabilityReport(
            seconds=until - since,
            writes=len(seen),
            failed=len(seen) - len(acknowledged),
            lost=sum(each.name not in there for each in acknowledged),
            longest_gap=max(later - one for one, later in pairwise(moments)),
            errors=tuple(
                f"{each.sent - since:.2f} s to {each.ended - since:.2f} s: {each.error}"
                for each in seen
                if each.error
            ),
        )

    def _there(self) -> set[str]:
        return {item["metadata"]["name"] for item in self._client.pages(PATH, labelSelector=LABEL)}

    def _write_on(self) -> None:
        due = time.monotonic()
        while not self._ends.wait(max(0.0, due - time.monotonic())):
            # While a write hangs no other is sent; none is made up for afterwards.
            due = max(due + EVERY_SECONDS, time.monotonic())
            self._attempts.append(self._write(f"{self._prefix}-{len(self._attempts)}"))

    def _write(self, name: str) -> WriteAttempt:
        body = {"metadata": {"name": name, "labels": {LABEL: ""}}}
        sent, error = time.monotonic(), None
        try:
            self._writer.create(PATH, body)
        except ApiError as failure:
            error = str(failure)
        return WriteAttempt(name, sent, time.monotonic(), error)
