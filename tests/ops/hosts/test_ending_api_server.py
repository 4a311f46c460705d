"""A load balancer and API servers that say that they are ending, or that something failed."""

import http.client
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.pki import certificates
from model.render import node_scripts
from model.well_known import API_PORT
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import wanted
from tests.ops.hosts.test_vip import described, prepare_as
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
READY = ""
# As the API server has it (k8s.io/apiserver, pkg/server/healthz).
ENDING, BROKEN = "[-]shutdown failed: reason withheld", "[-]etcd failed: reason withheld"
CLOSED = (ConnectionError, http.client.HTTPException, ssl.SSLError)
LASTS = (12, 13)


class ApiServer(ThreadingHTTPServer):
    """Says how it is, and its name; what is asked for at /slow ends when `go` is set."""

    daemon_threads = True

    def __init__(self, address: str, tls: ssl.SSLContext) -> None:
        self.failing = READY
        self.asked, self.go = threading.Event(), threading.Event()
        super().__init__((address, API_PORT), Handler)
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_: object) -> None:
        """Write nothing of connections that are cut."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ApiServer

    def do_GET(self) -> None:
        status, text = 200, str(self.server.server_address[0])
        if self.path == "/readyz" and self.server.failing:
            status, text = 500, f"[+]ping ok\n{self.server.failing}\nreadyz check failed\n"
        elif self.path == "/slow":
            self.server.asked.set()
            self.server.go.wait(60)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def serving(lab: Lab, last: int, tls: ssl.SSLContext) -> Iterator[ApiServer]:
    """An API server at an address of this host."""
    address = ["ip", "address", "add", f"{lab.address(last)}/32", "dev", lab.bridge]
    subprocess.run(address, check=True)
    server = ApiServer(lab.address(last), tls)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.go.set()
        server.shutdown()
        server.server_close()


class Client:
    """A connection to the load balancer, which stays open."""

    def __init__(self, host: BareHost) -> None:
        context = ssl._create_unverified_context()
        self._connection = http.client.HTTPSConnection(
            host.address, 8443, timeout=30, context=context
        )

    def ask(self, path: str = "/") -> str:
        """The address of the API server that answers; "" if the connection is closed."""
        self._connection.auto_open = self._connection.sock is None
        try:
            self._connection.request("GET", path)
            return self._connection.getresponse().read().decode()
        except CLOSED:
            return ""


def states(host: BareHost) -> dict[str, str]:
    """What scripts/node/balancer.sh says of the API servers."""
    said = host.shell(f"{node_scripts.source('balancer')}\nbalanced_servers")
    return dict(line.split(maxsplit=1) for line in said.splitlines())


def two_clients(host: BareHost) -> tuple[str, Client, Client]:
    """Two clients of one API server, and its address."""
    clients = [Client(host) for _ in range(2 * len(LASTS))]
    of_server: dict[str, list[Client]] = {}
    for client in clients:
        of_server.setdefault(client.ask(), []).append(client)
    address, found = max(of_server.items(), key=lambda item: len(item[1]))
    return address, found[0], found[1]


def answers_after(host: BareHost, servers: dict[str, ApiServer], failing: str) -> set[str]:
    """Who answers what was asked before an API server failed, and what is asked after that.

    New clients are served by the others. "this" is the one that failed, "" nobody.
    """
    address, idle, busy = two_clients(host)
    server, name = servers[address], f"one-cp-{address.rpartition('.')[2]}"
    server.asked.clear()
    server.go.clear()
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(busy.ask("/slow")))
    asking.start()
    assert server.asked.wait(30)
    server.failing = failing
    await_true(lambda: states(host)[name] in ("NOLB", "DOWN"), f"{name} to be given up")
    assert {Client(host).ask() for _ in range(4)} == {*servers} - {address}
    server.go.set()
    asking.join()
    said.append(idle.ask())
    server.failing = READY
    return {"this" if each == address else each for each in said}


def test_an_ending_api_server_keeps_its_connections_and_gets_no_more(
    lab: Lab, bundle: None, tmp_path: Path
) -> None:
    authority = certificates.new_authority("kubernetes", timedelta(days=1))
    (tmp_path / "pair.pem").write_text(authority.pem)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "pair.pem")
    host = lab.boot("one-control-plane-0", 11)
    ExistingHostProvider().create(wanted(host, role="control-plane"))
    with ExitStack() as stack:
        servers = {
            lab.address(last): stack.enter_context(serving(lab, last, tls)) for last in LASTS
        }
        prepare_as(host, described(lab, 11, *LASTS))
        both = {"one-cp-11": "DOWN", "one-cp-12": "UP", "one-cp-13": "UP"}
        for failing, answers in ((ENDING, {"this"}), (BROKEN, {""})):
            await_true(lambda: states(host) == both, "both API servers to be used")
            assert answers_after(host, servers, failing) == answers
        for server in servers.values():
            server.failing = ENDING
        await_true(lambda: set(states(host).values()) == {"DOWN", "NOLB"}, "both to be ending")
        assert Client(host).ask() in servers, "one that is ending is better than none"
