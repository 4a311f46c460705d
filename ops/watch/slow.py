"""What cannot be watched and is read seldom, at other times for each cluster."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ops.kube import serving_certificate
from ops.kube.access import Access
from ops.kube.errors import ApiError
from ops.watch.collection import Lines
from ops.watch.exchange import Exchange
from ops.watch.session import Session
from ops.watch.view import Slow

METRICS_SECONDS, SERVING_SECONDS, RIGHTS_SECONDS = 300.0, 1800.0, 24 * 3600.0
# The first time, soon but not all clusters at the same time.
FIRST_SECONDS = 20.0
ANSWER_SECONDS = 20.0
HANDSHAKE_SECONDS = 3.0
# Of the API server's metrics, those of the size of etcd's database.
# https://kubernetes.io/docs/reference/instrumentation/metrics/
SIZE = re.compile(rb"apiserver_storage_size_bytes(?:\{[^}]*\})? (\S+)")
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# What a credential for watching has no use for.
RIGHTS: dict[str, dict[str, str]] = {
    "create pods": {"verb": "create", "resource": "pods"},
    "read Secrets": {"verb": "get", "resource": "secrets"},
    "delete Nodes": {"verb": "delete", "resource": "nodes"},
}


class SlowReads:
    """Keeps `found` current; `changed` is called when it is another."""

    def __init__(
        self,
        session: Session,
        access: Callable[[], Access],
        changed: Callable[[], None],
    ) -> None:
        self._session, self._access, self._changed = session, access, changed
        self.found = Slow()

    def start(self) -> None:
        """Begin; each is read again by itself."""
        self._session.after(0.0, self._certificate)
        self._session.jittered(FIRST_SECONDS, self._size)
        for right in RIGHTS:
            self._session.jittered(1.0, partial(self._ask_right, right))

    def _certificate(self) -> None:
        self._session.jittered(SERVING_SECONDS, self._certificate)
        serving = serving_certificate.validity(self._access(), HANDSHAKE_SECONDS)
        self._put(replace(self.found, serving=serving or self.found.serving))

    def _size(self) -> None:
        sizes: list[float] = []

        def take(line: bytes) -> None:
            if found := SIZE.match(line):
                sizes.append(float(found[1]))

        def end(error: ApiError | None) -> None:
            self._session.jittered(METRICS_SECONDS, self._size)
            if error is None:
                self._put(replace(self.found, etcd_bytes=int(max(sizes, default=0))))

        lines = Lines(take)
        self._session.open(Exchange("/metrics", lines.feed, end, seconds=ANSWER_SECONDS))

    def _ask_right(self, right: str) -> None:
        """Ask whether the credential may do something beyond reading; it may not be answered."""
        body = bytearray()

        def end(error: ApiError | None) -> None:
            try:
                said: Any = json.loads(body) if error is None else None
                is_allowed = bool(said["status"]["allowed"])
            except (ValueError, KeyError, TypeError):
                self._session.jittered(METRICS_SECONDS, partial(self._ask_right, right))
                return
            self._session.jittered(RIGHTS_SECONDS, partial(self._ask_right, right))
            self._put(replace(self.found, rights={**self.found.rights, right: is_allowed}))

        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"namespace": "kube-system", **RIGHTS[right]}},
        }
        exchange = Exchange(
            REVIEWS,
            body.extend,
            end,
            seconds=ANSWER_SECONDS,
            body=json.dumps(review).encode(),
        )
        self._session.open(exchange)

    def _put(self, found: Slow) -> None:
        if found != self.found:
            self.found = found
            self._changed()
