"""An HTTPS server of tests on all addresses of this host, with a CA of its own."""

import ssl
import tempfile
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from model.pki import certificates, serving


class HttpsServer:
    """A server at an address, whose port it keeps when it is started again.

    `url` is where it is, `ca_pem` the CA of its certificate. `handler` is to be set before `start`.
    """

    handler: type[BaseHTTPRequestHandler]

    def __init__(self, address: str) -> None:
        authority = certificates.new_authority("ca-of-server", timedelta(days=1))
        self.ca_pem = authority.cert_pem
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.TemporaryDirectory() as folder:
            pem = Path(folder) / "serving.pem"
            pem.touch(mode=0o600)
            pem.write_text(serving.issue(authority, "server", address, timedelta(hours=12)).pem)
            self._tls.load_cert_chain(pem)
        self._server: ThreadingHTTPServer | None = self._bound(0)
        self._port = self._server.server_port
        self._thread: threading.Thread | None = None
        self.url = f"https://{address}:{self._port}"

    def _bound(self, port: int) -> ThreadingHTTPServer:
        return ThreadingHTTPServer(("", port), BaseHTTPRequestHandler)

    def start(self) -> None:
        """Serve."""
        server = self._server or self._bound(self._port)
        server.RequestHandlerClass = self.handler
        server.socket = self._tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """End, if it runs; connections that are open are served on."""
        if self._thread and self._server:
            self._server.shutdown()
            self._thread.join()
        if self._server:
            self._server.server_close()
        self._server = self._thread = None
