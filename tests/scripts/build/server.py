"""A web server on loopback that serves a test's content, with injected faults."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-of-the-test"
STALL_SECONDS = 60


@dataclass
class Resource:
    """What one path holds, and how it fails.

    `broken_off` lists after how many bytes each of the next answers ends too early, `statuses` what
    the next answers are instead; `stalls_after` makes answers stop there until the server goes.
    """

    content: bytes
    media_type: str = "application/octet-stream"
    needs_token: bool = False
    ranges: bool = True
    broken_off: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    stalls_after: int | None = None


@dataclass(frozen=True)
class Request:
    """A request that was made; `start` is where its range began."""

    method: str
    path: str
    start: int | None
    parameters: dict[str, list[str]]


class Server:
    """Resources by their path; what was asked for, in order."""

    def __init__(self) -> None:
        self.resources: dict[str, Resource] = {}
        self.requests: list[Request] = []
        self.challenge = 'Bearer realm="{base}/token",service="test",scope="repository:a:pull"'
        self.stalled = threading.Event()
        self.going = threading.Event()
        self.base = ""

    def put(self, path: str, content: bytes, media_type: str = "text/plain") -> Resource:
        """Serve `content` at `path`."""
        self.resources[path] = Resource(content, media_type)
        return self.resources[path]

    def asked(self, path: str) -> list[Request]:
        """Return the GET requests for a path."""
        return [each for each in self.requests if (each.method, each.path) == ("GET", path)]


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server on a free port of loopback."""
    server = Server()

    class Handler(_Handler):
        state = server

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.base = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.going.set()
            http.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self, *, body: bool) -> None:
        parts = urlsplit(self.path)
        wanted = self.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted else None
        self.state.requests.append(Request(self.command, parts.path, start, parse_qs(parts.query)))
        resource = self.state.resources.get(parts.path)
        if resource is None:
            self._say(404)
        elif resource.statuses:
            self._say(resource.statuses.pop(0))
        elif resource.needs_token and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            challenge = self.state.challenge.format(base=self.state.base)
            self._say(401, {"WWW-Authenticate": challenge})
        elif start is not None and resource.ranges and start >= len(resource.content):
            self._say(416, {"Content-Range": f"bytes */{len(resource.content)}"})
        else:
            self._send(resource, start if resource.ranges else None, body)

    def _send(self, resource: Resource, start: int | None, body: bool) -> None:
        content = resource.content[start or 0 :]
        self.send_response(200 if start is None else 206)
        self.send_header("Content-Type", resource.media_type)
        self.send_header("Content-Length", str(len(content)))
        if start is not None:
            total = len(resource.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        if not body:
            return
        if resource.broken_off:
            self.wfile.write(content[: resource.broken_off.pop(0)])
            self.close_connection = True
        elif resource.stalls_after is not None:
            self.wfile.write(content[: resource.stalls_after])
            self.wfile.flush()
            self.state.stalled.set()
            self.state.going.wait(STALL_SECONDS)
        else:
            self.wfile.write(content)

    def _say(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
