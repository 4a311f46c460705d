"""A forward proxy on this host, which alone resolves one test name."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.ops.hosts.web import QuietHandler, served


@dataclass
class Proxy:
    """Where it is, and the paths that were asked for through it."""

    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(address: str, known: str, behind: str) -> Iterator[Proxy]:
    """Pass requests for the host `known` on to the server at the URL `behind`; refuse others."""
    proxy = Proxy()
    target = urlsplit(behind).netloc

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_HEAD(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            wanted = urlsplit(self.path)
            if wanted.hostname != known:
                self.send_error(403)
                return
            proxy.asked.append(wanted.path)
            there = http.client.HTTPConnection(target, timeout=30)
            there.request(self.command, f"{wanted.path}?{wanted.query}")
            answer = there.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name not in ("Server", "Date", "Connection"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())
            there.close()

    with served(address, Handler) as proxy.url:
        yield proxy
