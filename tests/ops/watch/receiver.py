"""A server that takes webhooks, or does not, as a test wants it."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Post:
    """What was posted."""

    path: str
    headers: dict[str, str]
    body: Any


class Receiver:
    """Answers with `status`; with 0 not before `go_on`, with -1 by closing the connection."""

    def __init__(self, port: int = 0) -> None:
        self.posts: list[Post] = []
        self.status = 200
        self.answer_headers: dict[str, str] = {}
        self.go_on = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.status
                receiver.posts.append(Post(self.path, headers, body))
                if status == 0:
                    receiver.go_on.wait(60)
                if status > 0:
                    self.send_response(status)
                    for name, value in receiver.answer_headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address of a hook."""
        return f"http://127.0.0.1:{self.port}/hook/S3CR3T"

    @property
    def ids(self) -> list[int]:
        """Return the numbers of the events that were posted."""
        return [post.body["id"] for post in self.posts]

    @property
    def keys(self) -> list[str]:
        """Return the keys of the events that were posted."""
        return [post.headers["idempotency-key"] for post in self.posts]

    def stop(self) -> None:
        """End; a second time it does nothing."""
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
