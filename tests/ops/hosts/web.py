"""A temporary web server on this host."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """A handler that keeps what it does to itself."""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(address: str, handler: type[QuietHandler]) -> Iterator[str]:
    """Serve on `address`, at a free port; give the URL."""
    server = ThreadingHTTPServer((address, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
