"""The heartbeat of a cluster: whether its API answers, and whether its leaders renew their leases.

It is the only thing that is asked again and again, a few kilobytes each time. A lease that is
written every two seconds proves that etcd accepts writes; that it changes is seen without comparing
clocks. https://kubernetes.io/docs/concepts/architecture/leases/
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from model.status.condition import Condition, Severity
from model.watch import finding
from model.watch.finding import Finding
from ops.kube.errors import ApiError, Unavailable
from ops.kube.server_clock import LONGEST_SECONDS
from ops.watch.exchange import ODD, Exchange, odd
from ops.watch.server_clocks import ServerClocks
from ops.watch.session import Session

LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
SECONDS, ANSWER_SECONDS = 5.0, 4.0
# When it has failed, it is tried again sooner.
AGAIN_SECONDS = 2.0
# A new leader takes the lease after 15 s.
STALE_SECONDS = 16.0
LEADERS = ("kube-controller-manager", "kube-scheduler")
SOURCE = "leaders"
WRITES_FAIL = "WritesFail"
# A line of /readyz?verbose.
FAILED_CHECK = re.compile(r"^\[-\](\S+) failed", re.MULTILINE)
LARGEST_BYTES = 4 << 20


class Leaders:
    """Asks for the leases; `heard` is when the API last answered (seconds of a monotonic clock).

    `changed` is called when a leader does not renew its lease any more, or does again. In the
    beginning, and after a gap, neither is known yet (`unknown`).
    """

    def __init__(
        self,
        session: Session,
        cluster: str,
        changed: Callable[[], None],
        heard: float | None = None,
    ) -> None:
        self._session, self._cluster, self._changed = session, cluster, changed
        self.heard = heard
        self.denial: ApiError | None = None
        self.error: ApiError | None = None
        self._clocks = ServerClocks()
        self._is_known = False
        self._stale: list[str] = []
        self._renewed: dict[str, tuple[str, float]] = {}
        # Those that were seen to renew their leases since then.
        self._alive: set[str] = set()

    @property
    def server_clocks(self) -> Mapping[str, float]:
        """Return how far the clocks of API servers are ahead of that of the one that answers."""
        return self._clocks.found

    def ask(self) -> None:
        """Ask, and again and again."""
        body, begun = bytearray(), time.monotonic()

        def receive(content: bytes) -> None:
            if len(body) > LARGEST_BYTES:
                raise ValueError("too many leases")
            body.extend(content)

        def end(error: ApiError | None) -> None:
            if error is None:
                try:
                    self._read(said := json.loads(body))
                    self._compare(said, time.monotonic() - begun)
                except ODD as failure:
                    error = odd(failure)
            # A credential that may not read leases shows nevertheless that the API answers.
            is_denied = error is not None and error.status == HTTPStatus.FORBIDDEN
            self.denial = error if is_denied else None
            if error is None or is_denied:
                self.heard, self.error = time.monotonic(), None
                self._session.jittered(SECONDS, self.ask)
                return
            self.error = error
            if error.status is not None and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                self._ask_why(error)
            if error.status == HTTPStatus.UNAUTHORIZED:
                # There may be another credential, which a new connection takes.
                self._session.renew("the credential was refused")
                self._session.jittered(SECONDS, self.ask)
                return
            self._session.jittered(AGAIN_SECONDS, self.ask)

        self._session.open(Exchange(LEASES, receive, end, seconds=ANSWER_SECONDS))

    @property
    def unknown(self) -> frozenset[str]:
        """Return the source of the findings while it is not known whether each leader renews."""
        return frozenset() if self._is_known else frozenset({SOURCE})

    def findings(self) -> Iterator[Finding]:
        """Yield the leaders that did not renew their leases, when they were last read."""
        stale = self._stale
        if len(stale) == len(LEADERS):
            message = (
                "no leader of the control plane renews its lease: etcd accepts no writes (its "
                "database is full, or it has no quorum), or none of its components runs"
            )
            yield self._finding(WRITES_FAIL, message)
            return
        for name in stale:
            message = f"no {name} renews the leader's lease: none of them works"
            yield self._finding("LeaderMissing", message, name)

    def _read(self, said: Any) -> None:
        now = time.monotonic()
        found = {}
        for lease in said.get("items") or ():
            name = lease["metadata"]["name"]
            if name in LEADERS:
                spec = lease.get("spec") or {}
                found[name] = f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
        # What was not heard for a while is not stale for it.
        has_gap = self.heard is None or now - self.heard > STALE_SECONDS
        for name, state in found.items():
            former = self._renewed.get(name)
            if former is not None and former[0] != state:
                self._renewed[name] = (state, now)
                self._alive.add(name)
            elif former is None or has_gap:
                self._renewed[name] = (state, now)
                self._alive.discard(name)
        for name in set(self._renewed) - set(found):
            del self._renewed[name]
        times = sorted(self._renewed.items())
        stale = [name for name, (_, at) in times if now - at > STALE_SECONDS]
        is_known = set(found) <= self._alive | set(stale)
        if (stale, is_known) != (self._stale, self._is_known):
            self._stale, self._is_known = stale, is_known
            self._changed()

    def _compare(self, said: Any, seconds: float) -> None:
        """Compare the clocks of API servers, unless it is not known when it was answered."""
        if seconds > LONGEST_SECONDS:
            return
        # That a lease cannot be understood says nothing else.
        with suppress(*ODD):
            now, took = self._session.clock.now(), timedelta(seconds=seconds)
            if self._clocks.read(said.get("items") or (), now, took):
                self._changed()

    def _ask_why(self, failure: ApiError) -> None:
        """Ask the API server which of its own checks fail."""
        body = bytearray()

        def end(error: ApiError | None) -> None:
            text = error.message if error is not None else body.decode(errors="replace")
            failed = FAILED_CHECK.findall(text)
            if failed and self.error is failure:
                what = f"{failure.message}; its checks that fail: {', '.join(failed)}"
                self.error = Unavailable(failure.status, what)

        path = "/readyz?verbose"
        self._session.open(Exchange(path, body.extend, end, seconds=ANSWER_SECONDS))

    def _finding(self, reason: str, message: str, item: str = "") -> Finding:
        condition = Condition(
            cluster=self._cluster, severity=Severity.ERROR, reason=reason, message=message
        )
        return finding.of(condition, SOURCE, item=item)
