"""A server for audit events, to which API servers send them as a webhook.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.e2e.https_server import HttpsServer


class AuditReceiver:
    """Keeps the events of requests with its `token`, and counts those without it."""

    def __init__(self, server: HttpsServer, token: str) -> None:
        self._server, self.token = server, token
        self.events = list[dict[str, Any]]()
        self.refused = 0

    def kubeconfig(self) -> str:
        """Return the config's secret: where the server is, and its token."""
        cluster = {
            "server": self._server.url,
            "certificate-authority-data": _base64(self._server.ca_pem),
        }
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "audit",
                "clusters": [{"name": "audit", "cluster": cluster}],
                "users": [{"name": "audit", "user": {"token": self.token}}],
                "contexts": [{"name": "audit", "context": {"cluster": "audit", "user": "audit"}}],
            }
        )

    def start(self) -> None:
        """Listen again after `stop`."""
        self._server.start()

    def stop(self) -> None:
        """Listen no longer."""
        self._server.stop()

    def ids(self, containing: str) -> set[str]:
        """Return the ids of the events in which a text is."""
        return {each["auditID"] for each in [*self.events] if containing in json.dumps(each)}

    def take(self, authorization: str | None, body: bytes) -> HTTPStatus:
        """Keep the events of a request."""
        if authorization != f"Bearer {self.token}":
            self.refused += 1
            return HTTPStatus.UNAUTHORIZED
        self.events.extend(json.loads(body)["items"])
        return HTTPStatus.OK


@contextmanager
def receiving(address: str, token: str) -> Iterator[AuditReceiver]:
    """Serve a receiver at this address of the host until the end of the block."""
    server = HttpsServer(address)
    receiver = AuditReceiver(server, token)
    server.handler = _handler(receiver)
    server.start()
    try:
        yield receiver
    finally:
        server.stop()


def _handler(receiver: AuditReceiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(self.headers["Authorization"], body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
