"""The objects of a list, kept current by a watch.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import json
import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from model.api_objects import Json
from ops.kube.client import JSON, METADATA, SMALL_PAGE, WATCHED_METADATA
from ops.kube.errors import ApiError, from_response
from ops.watch.backoff import Backoff
from ops.watch.exchange import ODD, Exchange, odd
from ops.watch.session import Session

T = TypeVar("T")

LIST_SECONDS = 30.0
# An API server ends a watch after this; another one continues where it was.
WATCH_SECONDS = 1800
RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 20.0
# What may not be read, or is not served, may be some day.
LONGEST_REFUSAL_SECONDS = 300.0
REFUSALS = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
# What a cluster may have us hold of one object or page.
LARGEST_BYTES = 64 << 20


class Collection(Generic[T]):
    """What `reduce` makes of each object at a path, by namespace/name; None leaves one out.

    `changed` is called when something is new. Until `is_synced`, and while there is an `error`,
    what it has is not known to be current. `count` is how often it was listed.

    `metadata_only`: of each object, and of kinds that a cluster need not have and a credential need
    not be able to read. A kind that is not served has no objects. With `may_be_refused`, a refusal
    is nothing that ends soon either, and each one would be in the cluster's audit log.
    """

    def __init__(
        self,
        session: Session,
        path: str,
        reduce: Callable[[Json], T | None],
        changed: Callable[[], None],
        *,
        metadata_only: bool = False,
        may_be_refused: bool = False,
        **query: str,
    ) -> None:
        self.path = path
        self._is_optional = metadata_only
        self._accept = (METADATA, WATCHED_METADATA) if metadata_only else (JSON, JSON)
        self.items: dict[str, T] = {}
        self.is_synced = False
        self.error: ApiError | None = None
        self._session, self._reduce, self._changed, self._query = session, reduce, changed, query
        self._version = ""
        self._backoff = Backoff(RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        is_rare = metadata_only or may_be_refused
        longest = LONGEST_REFUSAL_SECONDS if is_rare else LONGEST_RETRY_SECONDS
        self._refusals = Backoff(RETRY_SECONDS, longest)
        self.count = 0

    @property
    def is_absent(self) -> bool:
        """Whether a kind is not served that need not be."""
        return self._is_optional and self.error is not None and _is_missing(self.error)

    @property
    def is_current(self) -> bool:
        """Whether it has what there is now."""
        return self.is_absent or (self.is_synced and self.error is None)

    def start(self) -> None:
        """List, and then watch."""
        self._page({}, "")

    def _page(self, found: dict[str, T], after: str) -> None:
        body = bytearray()

        def end(error: ApiError | None) -> None:
            if error is not None:
                self._fail(error, self.start)
                return
            try:
                page = json.loads(body)
                metadata = page.get("metadata") or {}
                for item in page.get("items") or ():
                    self._keep(found, item)
            except ODD as failure:
                self._fail(odd(failure), self.start)
                return
            if metadata.get("continue"):
                self._page(found, str(metadata["continue"]))
                return
            self.items, self._version = found, str(metadata.get("resourceVersion") or "")
            self.is_synced, self.error = True, None
            self._refusals.reset()
            self.count += 1
            self._changed()
            self._watch()

        query = {"limit": str(SMALL_PAGE), **self._query} | ({"continue": after} if after else {})
        self._open(query, limited(body), end, self._accept[0], seconds=LIST_SECONDS)

    def _watch(self) -> None:
        lines = Lines(self._event)

        def end(error: ApiError | None) -> None:
            if error is not None and error.status == HTTPStatus.GONE:
                self._fail(error, self.start)
            elif error is not None:
                self._fail(error, self._watch)
            else:
                # The time is up, or the server stops. Without an answer it is not asked too soon.
                again = self._watch if lines.count else self.start
                self._session.jittered(0.1 if lines.count else self._backoff.next(), again)

        query = {
            "watch": "1",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(int(WATCH_SECONDS * random.uniform(0.8, 1.2))),  # noqa: S311
            **self._query,
        }
        self._open(query, lines.feed, end, self._accept[1])

    def _event(self, line: bytes) -> None:
        event = json.loads(line)
        kind, thing = event["type"], event["object"]
        if kind == "ERROR":
            code = thing.get("code")
            raise from_response(code if isinstance(code, int) else 0, json.dumps(thing).encode())
        self._version = str(thing["metadata"]["resourceVersion"])
        self._backoff.reset()
        if self.error is not None:
            self.error = None
            self._changed()
        if kind == "BOOKMARK":
            return
        key = _key(thing)
        former = self.items.get(key)
        if kind == "DELETED":
            self.items.pop(key, None)
        else:
            self._keep(self.items, thing)
        # Most changes are heartbeats, which leave nothing different that anybody reads.
        if self.items.get(key) != former:
            self._changed()

    def _keep(self, items: dict[str, T], thing: Json) -> None:
        key = _key(thing)
        try:
            reduced = self._reduce(thing)
        except ODD:
            reduced = None
        if reduced is None:
            items.pop(key, None)
        else:
            items[key] = reduced

    def _fail(self, error: ApiError, again: Callable[[], None]) -> None:
        if error.status != HTTPStatus.GONE:
            self.error = error
        backoff = self._refusals if error.status in REFUSALS else self._backoff
        if self._is_optional:
            # They seldom change: a watch alone would say only by and by that this is all.
            again = self.start
            if _is_missing(error):
                self.items = {}
        self._changed()
        self._session.jittered(backoff.next(), again)

    def _open(
        self,
        query: dict[str, str],
        receive: Callable[[bytes], None],
        end: Callable[[ApiError | None], None],
        accept: str,
        *,
        seconds: float | None = None,
    ) -> None:
        path = f"{self.path}?{urlencode(query)}"
        self._session.open(Exchange(path, receive, end, seconds=seconds, accept=accept))


class Lines:
    """Complete lines of what comes in by and by; `count` is how many there were."""

    def __init__(self, take: Callable[[bytes], Any], longest: int = LARGEST_BYTES) -> None:
        self.count = 0
        self._take, self._longest = take, longest
        self._rest = bytearray()

    def feed(self, content: bytes) -> None:
        """Take what has come in; raise ValueError for a line without an end."""
        *complete, rest = content.split(b"\n")
        for part in complete:
            self._rest += part
            line, self._rest = bytes(self._rest), bytearray()
            if line.strip():
                self.count += 1
                self._take(line)
        self._rest += rest
        if len(self._rest) > self._longest:
            raise ValueError("a line is too long")


def limited(body: bytearray) -> Callable[[bytes], None]:
    """Return what keeps an answer, up to LARGEST_BYTES."""

    def receive(content: bytes) -> None:
        if len(body) + len(content) > LARGEST_BYTES:
            raise ValueError("an answer is too long")
        body.extend(content)

    return receive


def _is_missing(error: ApiError) -> bool:
    return error.status == HTTPStatus.NOT_FOUND


def _key(thing: Json) -> str:
    metadata = thing["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"
