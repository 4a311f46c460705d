"""Kubelets that nobody reaches while their Nodes are Ready, found by what metrics-server measured.

A kubelet reports its Node by itself, and followed logs just stay silent: that a firewall drops what
is sent to its port is not seen. metrics-server asks each kubelet four times a minute and omits
those that do not answer. Then a line of a log is requested: without an answer, nobody reaches the
kubelet; with one, only metrics-server does not.
https://github.com/kubernetes-sigs/metrics-server/blob/master/KNOWN_ISSUES.md
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from ops.kube import host_reports
from ops.kube.client import SMALL_PAGE
from ops.kube.cluster_health import SYSTEM_PODS
from ops.kube.errors import ApiError
from ops.watch.collection import limited
from ops.watch.exchange import LATE, ODD, Exchange, odd
from ops.watch.reports import KUBELET_PATH
from ops.watch.session import Session
from ops.watch.view import Unmeasured

METRICS = "/apis/metrics.k8s.io/v1beta1/nodes"
SECONDS, ANSWER_SECONDS = 10.0, 8.0
# Without metrics-server, or the right to read what it measured, which `fleet up` brings.
ABSENT_SECONDS = 300.0
# What was measured is not current any more: it is every 15 s, by default of others every minute.
OLD_SECONDS = 150.0
# A kubelet may be restarted, and be slow on a busy machine: it has not answered twice.
SILENT_SECONDS = 13.0
LOG_SECONDS, AGAIN_SECONDS = 6.0, 1.0
# So many are asked in the beginning: where metrics-server reaches none, not all at the same time.
ASKED = 8
# It alone has not reached a kubelet for so long; the kubelet itself is asked again so often.
UNMEASURED_SECONDS, LATER_SECONDS = 180.0, 60.0


@dataclass(frozen=True)
class Candidate:
    """A Node's probe pod, by name, and whether the Node is expected to be measured."""

    pod: str
    is_expected: bool


@dataclass
class _Suspect:
    """A Node that is omitted; times are seconds of a monotonic clock."""

    begun: float
    since: datetime | None
    is_asked: bool = False
    is_heard: bool = False
    silent: float | None = None
    why: str = ""

    @property
    def is_certain(self) -> bool:
        return bool(self.why) or time.monotonic() - self.begun >= UNMEASURED_SECONDS


class Scrapes:
    """Reads what metrics-server measured; `changed` is called when `found` is another.

    `candidates` returns the Nodes with a probe pod, `heard` when the API last answered. `found` has
    those that are not measured, by Node, from the first time on; `is_read` says whether
    metrics-server works: of a Node that is measured again nothing is known otherwise.
    """

    def __init__(
        self,
        session: Session,
        candidates: Callable[[], Mapping[str, Candidate]],
        heard: Callable[[], float | None],
        changed: Callable[[], None],
    ) -> None:
        self._session, self._candidates = session, candidates
        self._heard, self._changed = heard, changed
        self._suspects: dict[str, _Suspect] = {}
        # Those that are omitted as well, and are asked when others have answered.
        self._waiting: set[str] = set()
        # The time of what was measured, as it is written, and when that was new.
        self._measured: dict[str, tuple[str, float]] = {}
        self.is_read = False
        self.found: Mapping[str, Unmeasured] = {}

    def start(self) -> None:
        """Begin to read, again and again."""
        self._session.jittered(SECONDS, lambda: self._page({}, ""))

    def _page(self, found: dict[str, str], after: str) -> None:
        body = bytearray()

        def end(error: ApiError | None) -> None:
            if error is None:
                try:
                    page = json.loads(body)
                    found.update(_times(page))
                    more = str((page.get("metadata") or {}).get("continue") or "")
                except ODD as failure:
                    error = odd(failure)
            if error is not None:
                self._fail(error)
            elif more:
                self._page(found, more)
            else:
                self.start()
                self._take(found)

        query = urlencode({"limit": SMALL_PAGE, **({"continue": after} if after else {})})
        path = f"{METRICS}?{query}"
        self._session.open(Exchange(path, limited(body), end, seconds=ANSWER_SECONDS))

    def _fail(self, error: ApiError) -> None:
        if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
            self._session.jittered(ABSENT_SECONDS, lambda: self._page({}, ""))
        else:
            self.start()
        self._know_nothing()

    def _take(self, found: Mapping[str, str]) -> None:
        now, candidates = time.monotonic(), self._candidates()
        expected = {node for node, each in candidates.items() if each.is_expected}
        for node, text in found.items():
            if self._measured.get(node, ("", 0.0))[0] != text:
                self._measured[node] = (text, now)
        for node in set(self._measured) - set(found) - set(candidates):
            del self._measured[node]
        fresh = {node for node in found if now - self._measured[node][1] < OLD_SECONDS}
        if not fresh:
            # It has just started, or does not work.
            self._know_nothing()
            return
        omitted = expected - fresh
        for node, each in list(self._suspects.items()):
            # A kubelet that did not answer has to do so itself.
            if node not in expected or (node not in omitted and not each.why):
                del self._suspects[node]
        room = ASKED - sum(each.is_asked for each in self._suspects.values())
        for node in sorted(omitted - set(self._suspects))[: max(room, 0)]:
            since = _time(self._measured.get(node, ("", 0.0))[0])
            self._suspects[node] = suspect = _Suspect(now, since)
            self._ask(node, suspect)
        self._waiting = omitted - set(self._suspects)
        self._show(is_read=True)

    def _know_nothing(self) -> None:
        """Take it that metrics-server says nothing now."""
        self._suspects = {node: each for node, each in self._suspects.items() if each.is_certain}
        self._waiting.clear()
        self._show(is_read=False)

    def _ask(self, node: str, suspect: _Suspect) -> None:
        """Ask its kubelet for a line of a log, and again and again while it is omitted."""
        candidate = self._candidates().get(node)
        if self._suspects.get(node) is not suspect:
            return
        if candidate is None or not candidate.is_expected:
            del self._suspects[node]
            self._show()
            return
        begun = time.monotonic()
        suspect.is_asked = True

        def end(error: ApiError | None) -> None:
            suspect.is_asked = False
            if self._suspects.get(node) is suspect:
                self._answered(node, suspect, begun, error)

        query = urlencode({"container": host_reports.CONTAINER, "tailLines": 1, "limitBytes": 1})
        path = f"{SYSTEM_PODS}/{candidate.pod}/log?{query}"
        self._session.open(Exchange(path, _ignore, end, seconds=LOG_SECONDS))

    def _answered(self, node: str, suspect: _Suspect, begun: float, error: ApiError | None) -> None:
        again = LATER_SECONDS
        if error is None:
            suspect.is_heard, suspect.silent = True, None
            if suspect.why:
                # Whether metrics-server reaches it, too, is read next.
                suspect.begun, suspect.why = time.monotonic(), ""
        elif error.message == LATE or KUBELET_PATH in error.message:
            again = AGAIN_SECONDS
            self._was_silent(suspect, begun, error)
        else:
            # It says nothing of the kubelet.
            again = SECONDS
            suspect.silent = suspect.silent if suspect.why else None
        if suspect.why:
            again = SECONDS
        self._session.after(again, partial(self._ask, node, suspect))
        self._show()

    def _was_silent(self, suspect: _Suspect, begun: float, error: ApiError) -> None:
        suspect.is_heard = False
        if suspect.silent is None:
            suspect.silent = begun
        heard = self._heard()
        # Otherwise the API itself may be silent.
        is_alive = heard is not None and heard > suspect.silent
        if is_alive and time.monotonic() - suspect.silent >= SILENT_SECONDS:
            is_late = error.message == LATE
            suspect.why = f"no answer within {LOG_SECONDS:.0f} s" if is_late else error.message

    def _show(self, is_read: bool | None = None) -> None:
        is_read = self.is_read if is_read is None else is_read
        found = {node: Unmeasured(is_heard=False, is_certain=False) for node in self._waiting}
        for node, each in self._suspects.items():
            found[node] = Unmeasured(each.since, each.why, each.is_heard, each.is_certain)
        if (found, is_read) != (self.found, self.is_read):
            self.found, self.is_read = found, is_read
            self._changed()


def _times(page: Any) -> dict[str, str]:
    """Return when each Node was measured, as it is written."""
    items = page.get("items") or ()
    return {str(each["metadata"]["name"]): str(each["timestamp"]) for each in items}


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _ignore(_content: bytes) -> None:
    """An answer is enough."""
