"""A fake Kubernetes API over TLS with client certificates, on loopback."""

import base64
import hashlib
import json
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model.pki import certificates
from model.render import kubeconfig
from ops.kube import identity
from ops.kube.identity import Identity

Answer = tuple[int, dict[str, Any]]
# A program in a pod, by its arguments: exit status, output, errors.
Program = Callable[[list[str]], tuple[int, str, str]]

# https://www.rfc-editor.org/rfc/rfc6455#section-1.3
WEBSOCKET = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, CLOSE = 0x82, 0x88


class Api:
    """The server: `answers` by method and path, `programs` by pod; `asked` is what came in.

    `sent` is what the last request of a method and path had in its body, `types` its media type;
    `queries` and `sizes` are those of all requests and of all answers. An answer may be a function,
    which is called each time; `lists` are answered in pages. `headers` are added to an answer, and
    its clock is `ahead` of this host's.
    """

    def __init__(self, authority: certificates.KeyPair) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.lists: dict[str, Sequence[dict[str, Any]]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.programs: dict[str, Program] = {}
        self.asked: list[str] = []
        self.sent: dict[str, Any] = {}
        self.types: dict[str, str | None] = {}
        self.queries: list[dict[str, list[str]]] = []
        self.sizes: list[int] = []
        self.connections: list[socket.socket] = []
        self.ahead = timedelta()
        self.authority = authority
        self.kubeconfig = ""

    @property
    def identity(self) -> Identity:
        """The program's identity there, saved on this host."""
        return saved(self.kubeconfig)


def saved(kubeconfig: str) -> Identity:
    """Save a kubeconfig on this host as the program's; return the identity."""
    (entry,) = yaml.safe_load(kubeconfig)["clusters"]
    reference: Identity = {
        "stack": "test",
        "cluster": entry["name"],
        "server": entry["cluster"]["server"],
        "authority": "0123456789abcdef",
    }
    identity.save(reference, kubeconfig)
    return reference


@contextmanager
def serving(valid: timedelta = timedelta(hours=1)) -> Iterator[Api]:
    """Serve until the end of the block, with a certificate that is valid for so long."""
    api = Api(certificates.new_authority("kubernetes", timedelta(days=1)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    with tempfile.TemporaryDirectory() as folder:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=api.authority.cert_pem)
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(_serving_certificate(api.authority, Path(folder), valid))
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    client = certificates.issue_client(api.authority, "admin", ["group"], timedelta(hours=1))
    context = kubeconfig.Context(
        "cluster1",
        f"https://127.0.0.1:{server.server_port}",
        api.authority.cert_pem,
        client.cert_pem,
        client.key_pem,
    )
    api.kubeconfig = kubeconfig.render([context])
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        # Clients keep theirs, and a thread here waits at each.
        for connection in api.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            api.connections.append(self.connection)

        def _answer(self) -> None:
            path, _, query = self.path.partition("?")
            if path.endswith("/exec") and path.split("/")[-2] in api.programs:
                self._run(api.programs[path.split("/")[-2]])
                return
            api.asked.append(f"{self.command} {path}")
            api.queries.append(parse_qs(query))
            api.types[f"{self.command} {path}"] = self.headers.get("Content-Type")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            api.sent[f"{self.command} {path}"] = json.loads(body or "null")
            missing = (404, {"kind": "Status", "reason": "NotFound", "message": f"no {path}"})
            answer = api.answers.get(f"{self.command} {path}", missing)
            if path in api.lists:
                answer = 200, _page(api.lists[path], parse_qs(query))
            status, said = answer() if callable(answer) else answer
            text = json.dumps(said).encode()
            api.sizes.append(len(text))
            self.send_response(status)
            for header in api.headers.get(f"{self.command} {path}", {}).items():
                self.send_header(*header)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def _run(self, program: Program) -> None:
            """Run a program as `kubectl exec` has it run, over the subprotocol v4."""
            command = parse_qs(urlsplit(self.path).query)["command"]
            api.asked.append(f"EXEC {' '.join(each for each in command if each[:2] != '--')}")
            status, output, errors = program(command)
            accept = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{WEBSOCKET}".encode())
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept.digest()).decode())
            self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
            self.end_headers()
            cause = {"reason": "ExitCode", "message": str(status)}
            failure = {"status": "Failure", "details": {"causes": [cause]}}
            outcome = json.dumps(failure if status else {"status": "Success"})
            for channel, text in ((1, output), (2, errors), (3, outcome)):
                self._frame(BINARY, bytes([channel]) + text.encode())
            self._frame(CLOSE, struct.pack(">H", 1000))
            self.close_connection = True

        def _frame(self, kind: int, content: bytes) -> None:
            self.wfile.write(struct.pack(">BBH", kind, 126, len(content)) + content)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + api.ahead, usegmt=True)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _page(items: Sequence[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
    begin, limit = int(query.get("continue", ["0"])[0]), int(query["limit"][0])
    end = begin + limit
    rest = {"continue": str(end)} if end < len(items) else {}
    return {"metadata": rest, "items": items[begin:end]}


def _serving_certificate(authority: certificates.KeyPair, folder: Path, valid: timedelta) -> Path:
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.encode())
    issuer_key = serialization.load_pem_private_key(authority.key_pem.encode(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + valid)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(issuer_key, hashes.SHA256())
    )
    path = folder / "serving.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def api() -> Iterator[Api]:
    """An API that knows nothing yet."""
    with serving() as made:
        yield made
