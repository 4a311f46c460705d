"""A Kubernetes API of a few answers, over TLS with a client certificate, on loopback."""

import json
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model import kubeconfig, pki

Answer = tuple[int, dict[str, Any]]


class Api:
    """The server: `answers` by method and path; `asked` is what came in."""

    def __init__(self, authority: pki.KeyPair) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.authority = authority
        self.kubeconfig = ""


@contextmanager
def serving() -> Iterator[Api]:
    """Serve until the end of the block."""
    api = Api(pki.new_authority("kubernetes", 1))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    with tempfile.TemporaryDirectory() as folder:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=api.authority.cert_pem)
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(_serving_certificate(api.authority, Path(folder)))
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    client = pki.issue_client(api.authority, "admin", ["group"], timedelta(hours=1))
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


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            api.asked.append(f"{self.command} {path}")
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            missing = (404, {"kind": "Status", "reason": "NotFound", "message": f"no {path}"})
            status, body = api.answers.get(f"{self.command} {path}", missing)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _serving_certificate(authority: pki.KeyPair, folder: Path) -> Path:
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
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
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
