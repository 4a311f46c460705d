"""A client of one cluster's Kubernetes API: raw JSON over one connection pool.

It is built once per cluster and run, and passed on; any number of threads may share it. Objects
stay as the API sent them: converting them to typed ones would cost more than the rest of a check.
https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import lru_cache
from http import HTTPStatus
from threading import Lock, Semaphore
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3

from model.api_objects import Json
from ops.errors import OperatorError
from ops.kube import connections
from ops.kube.access import Access
from ops.kube.connections import CONNECT_SECONDS
from ops.kube.errors import TRANSIENT, ApiError, Unavailable, from_response
from ops.kube.server_clock import ServerClock
from ops.wait import wait_until

T = TypeVar("T")

READ_SECONDS = 15.0
RETRIES = 3
# For a non-essential read: one retry, since a virtual address may just be moving.
PROBE_RETRIES = 1
# Limit for what an overloaded API, or a proxy before it, asks to wait before a retry.
RETRY_AFTER_SECONDS = 5
# The same as kubectl's.
PAGE = 500
# For lists of many clusters that are read at the same time.
SMALL_PAGE = 100
PARSERS = 2
# How long requests are retried: a control plane may be leaving, or a virtual address moving.
ANSWER_SECONDS = 30.0
POLL_SECONDS = 0.5
# All Nodes are 13 MB in a cluster of a thousand.
POLL_SECONDS_PER_NODE = 0.005
CLIENTS = 256

JSON = "application/json"
# Of the objects in a list, or of those that a watch tells, only their metadata.
METADATA = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
WATCHED_METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Client:
    """The API of one cluster, used as one user.

    Every method raises ApiError for a refusal; its subclasses Unavailable and Conflict may be
    transient. `clock` is that of the API server that answered last.
    """

    def __init__(self, kubeconfig: str | Access, *, retries: int = RETRIES) -> None:
        self.access = kubeconfig if isinstance(kubeconfig, Access) else Access.of(kubeconfig)
        self._retries = retries
        self._timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._pool = connections.of(self.access)
        self.clock = ServerClock()

    def __repr__(self) -> str:
        return f"<Client {self.access.context} at {self.access.server}>"

    def limited(self, *, retries: int | None = None, seconds: float = READ_SECONDS) -> "Client":
        """Return this client with fewer retries or a shorter timeout; it shares the rest."""
        client = copy(self)
        client._retries = self._retries if retries is None else retries
        client._timeout = urllib3.Timeout(connect=min(seconds, CONNECT_SECONDS), read=seconds)
        return client

    def get(self, path: str, **query: Any) -> Json:
        """Return the object or the list at a path."""
        return _parsed(self._request("GET", path, query))

    def find(self, path: str) -> Json | None:
        """Return the object at a path, None if there is none."""
        return unless_missing(lambda: self.get(path))

    def pages(self, path: str, *, accept: str = JSON, **query: Any) -> Iterator[Json]:
        """Yield the items of a list, read in pages of `limit`; `accept` may be METADATA."""
        query = {"limit": PAGE, **query}
        while True:
            page = _parsed(self._request("GET", path, query, accept=accept))
            yield from page["items"] or ()
            query["continue"] = page.get("metadata", {}).get("continue")
            if not query["continue"]:
                return

    def reduced(
        self, path: str, reduce: Callable[[Json], T], *, limit: int = SMALL_PAGE, **query: Any
    ) -> list[T]:
        """Return what `reduce` makes of each item of a list; no more than a page is in memory.

        Of all threads, a few at a time parse: a parsed page takes several times its size.
        """
        query = {"limit": limit, **query}
        found: list[T] = []
        while True:
            answer = self._request("GET", path, query)
            with _PARSING:
                page = _parsed(answer)
                found.extend(map(reduce, page["items"] or ()))
                query["continue"] = page.get("metadata", {}).get("continue")
                del page, answer
            if not query["continue"]:
                return found

    def text(self, path: str, **query: Any) -> str:
        """Return a response that is not JSON, such as a log."""
        return self._request("GET", path, query).decode(errors="replace")

    def bounded(self, path: str, most: int, reduce: Callable[[bytes], T], **query: Any) -> T:
        """Return what `reduce` makes of a response, from what may answer anything.

        One of more than `most` bytes is Unavailable. Of all threads, a few at a time parse.
        """
        answer = self._request("GET", path, query, most=most)
        with _PARSING:
            return reduce(answer)

    def create(self, path: str, body: Mapping[str, Any]) -> Json:
        """Create an object in the list at a path."""
        return _parsed(self._request("POST", path, body=body))

    def patch(
        self, path: str, body: Mapping[str, Any], *, kind: str = STRATEGIC_MERGE, **query: Any
    ) -> Json:
        """Patch the object at a path; `kind` is the media type of the patch."""
        return _parsed(self._request("PATCH", path, query, body, kind))

    def delete(self, path: str, options: Mapping[str, Any] | None = None) -> None:
        """Delete the object at a path; `options` are DeleteOptions."""
        self._request("DELETE", path, body=options)

    def retry(self, operation: str, call: Callable[[], T]) -> T:
        """Return the result of `call`, retried while the API is unavailable or reports a conflict.

        Raises OperatorError for every other refusal, and for one that persists.
        """

        def attempt() -> T:
            try:
                return call()
            except TRANSIENT:
                raise
            except ApiError as error:
                raise self.explain(operation, error) from None

        return wait_until(
            attempt,
            ANSWER_SECONDS,
            lambda answer: self.explain(operation, answer),
            passing=TRANSIENT,
            poll_seconds=POLL_SECONDS,
        )

    def explain(self, operation: str, answer: Exception | str) -> OperatorError:
        """Return an error that names the operation, the server, its answer and the next step."""
        return OperatorError(
            f"{operation} at {self.access.server} failed: {answer}. Check the API (`kubectl "
            f"--context {self.access.context} get --raw /readyz`), fix the cause and run `fleet "
            "up` again: completed steps are not repeated."
        )

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        kind: str = JSON,
        accept: str = JSON,
        most: int | None = None,
    ) -> bytes:
        retries = urllib3.Retry(
            self._retries,
            backoff_factor=0.2,
            raise_on_status=False,
            retry_after_max=RETRY_AFTER_SECONDS,
        )
        begun = time.monotonic()
        try:
            answer = self._pool.urlopen(
                method,
                f"{self.access.server}{path}{_encoded(query or {})}",
                body=None if body is None else json.dumps(body).encode(),
                headers={
                    "Accept": f"{accept}, */*",
                    "Content-Type": kind,
                    **self.access.headers,
                },
                redirect=False,
                retries=retries,
                timeout=self._timeout,
                preload_content=most is None,
            )
            data = answer.data if most is None else _at_most(answer, most)
        except urllib3.exceptions.HTTPError as error:
            raise connections.no_response(error) from None
        self.clock.heard(answer.headers.get("Date", ""), time.monotonic() - begun)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise from_response(answer.status, data, answer.headers.get("Retry-After", ""))
        return data


def _at_most(answer: urllib3.BaseHTTPResponse, most: int) -> bytes:
    """Return the content of a response; raise Unavailable if it is larger."""
    try:
        data = answer.read(most + 1)
        if len(data) > most:
            raise Unavailable(answer.status, f"the response is larger than {most >> 20} MiB")
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return data


def unless_missing(call: Callable[[], T]) -> T | None:
    """Return the result of `call`, None if the API knows no such object."""
    try:
        return call()
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def of(kubeconfig: str) -> Client:
    """Return this process's client for a kubeconfig, built on first use."""
    with _BUILDING:
        return _built(kubeconfig)


def poll_seconds(nodes: int, least: float) -> float:
    """Return the interval of a wait that reads this many Nodes each time."""
    return max(least, nodes * POLL_SECONDS_PER_NODE)


# Two concurrent threads would each build one.
_BUILDING = Lock()
_PARSING = Semaphore(PARSERS)


@lru_cache(maxsize=CLIENTS)
def _built(kubeconfig: str) -> Client:
    return Client(kubeconfig)


def _encoded(query: Mapping[str, Any]) -> str:
    return f"?{urlencode(query)}" if query else ""


def _parsed(answer: bytes) -> Json:
    try:
        parsed: Json = json.loads(answer)
    except ValueError:
        raise Unavailable(HTTPStatus.OK, "the response is not JSON") from None
    return parsed
