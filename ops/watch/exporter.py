"""Serves the metrics of a watch over HTTP, for Prometheus to read.

One thread answers one request after the other, and none for longer than a few seconds: whoever
connects costs the watch neither threads nor memory.
"""

import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import MetricsHandler
from prometheus_client.registry import Collector

from ops.errors import OperatorError, text_of
from ops.watch import certificate_metrics, metrics
from ops.watch.look import Look

PATH = "/metrics"
HEAD_SECONDS, ANSWER_SECONDS = 2.0, 10.0
HEAD_BYTES = 16 * 1024


class FleetCollector(Collector):
    """Yields metrics of what `looks` returns, at each request."""

    def __init__(self, looks: Callable[[], Iterable[Look]]) -> None:
        self._looks = looks

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        looks = list(self._looks())
        yield from metrics.metrics(looks)
        yield from certificate_metrics.metrics(looks, datetime.now(UTC))


class Exporter:
    """Listens from the beginning, and answers when it is started; raises OperatorError."""

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._server = _server(family)((host, port), say)
        except OSError as error:
            raise OperatorError(
                f"metrics cannot be served on {host}, port {port}: {text_of(error)}; name another "
                "address or a free port with --metrics"
            ) from None
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    def start(self, looks: Callable[[], Iterable[Look]]) -> None:
        """Answer with what `looks` returns, which is called from another thread."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(FleetCollector(looks))
        self._server.RequestHandlerClass = _Handler.factory(registry)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()


def _server(family: socket.AddressFamily) -> type["_Server"]:
    return type("_Server", (_Server,), {"address_family": family})


class _Server(socketserver.TCPServer):
    """Its requests are handled serially; one that fails is reported."""

    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], say: Callable[[str], None]) -> None:
        self._say = say
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say what failed, except who went or was too slow."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self._say(f"metrics could not be sent: {error!r}")


class _Handler(MetricsHandler):
    """Answers a request whose head arrives in time."""

    def setup(self) -> None:
        super().setup()
        self.rfile = BytesIO(_head(self.connection))
        self.connection.settimeout(ANSWER_SECONDS)

    def do_GET(self) -> None:
        """Answer with the metrics; any other path does not exist."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"metrics are at {PATH}")
            return
        self.path = PATH
        super().do_GET()


def _head(connection: socket.socket) -> bytes:
    """Return a request's head; what is incomplete after HEAD_SECONDS is nothing."""
    deadline = time.monotonic() + HEAD_SECONDS
    head = b""
    while b"\r\n\r\n" not in head:
        left = deadline - time.monotonic()
        if left <= 0 or len(head) > HEAD_BYTES:
            return b""
        connection.settimeout(left)
        try:
            part = connection.recv(HEAD_BYTES)
        except OSError:
            return b""
        if not part:
            return b""
        head += part
    return head
