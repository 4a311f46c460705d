"""Cross-signed certificates, verified by kubectl, a real Go client, and by OpenSSL.

Go counts every intermediate certificate against the path length of the root, also one with the same
subject (crypto/x509, `numIntermediates`); OpenSSL does not.
"""

import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from model import paths, pins
from model.artifacts.bundle import Bundle
from model.pki import certificates, serving
from model.pki.certificates import KeyPair, cross_sign, new_authority
from model.render import kubeconfig

OLD, NEW = (new_authority("kubernetes", timedelta(days=valid)) for valid in (20, 3650))
CROSS = cross_sign(OLD, NEW.cert_pem)
BEFORE, AFTER = (serving.issue(ca, "n", "127.0.0.1", timedelta(days=1)) for ca in (OLD, NEW))
CLIENT = certificates.issue_client(NEW, "ann", [], timedelta(days=1))
# What a server shows, by the phase that it is in.
SHOWN = {"before": BEFORE.pem, "switch": AFTER.pem + CROSS, "finished": AFTER.pem}
TRUSTED = {
    "old": OLD.cert_pem,
    "new": NEW.cert_pem,
    "prepare": OLD.cert_pem + NEW.cert_pem,
    "switch": NEW.cert_pem + OLD.cert_pem,
}


class Answer(BaseHTTPRequestHandler):
    """Answers all requests with an empty object."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


class Server:
    """An HTTPS server on loopback that shows one certificate after another."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "shown.pem"
        self._server = HTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self._context: ssl.SSLContext | None = None
        accept = self._server.get_request
        self._server.get_request = partial(self._accept, accept)  # type: ignore[method-assign]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def show(self, pem: str, clients: str = "") -> None:
        """Show these certificates, with the key, from now on; `clients` are CAs, if required."""
        self._file.write_text(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file)
        if clients:
            context.load_verify_locations(cadata=clients)
            context.verify_mode = ssl.CERT_REQUIRED
        self._context = context

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _accept(self, accept: Any) -> Any:
        connection, address = accept()
        assert self._context is not None
        return self._context.wrap_socket(connection, server_side=True), address


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.close()


def root_of_path_length_0() -> KeyPair:
    """Return a CA as kubeadm-fleet does not make it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return KeyPair(certificate.decode(), private.decode())


def kubectl(server: Server, folder: Path, trusted: str, client: str = CLIENT.cert_pem) -> str:
    """Request something with kubectl, which trusts these CAs; return its error, "" if none."""
    context = kubeconfig.Context("c", server.url, trusted, client, CLIENT.key_pem)
    (folder / "config").write_text(kubeconfig.render([context]))
    program = Bundle.load(paths.bundle_dir(pins.KUBERNETES)).folder / "bin/kubectl"
    command = [str(program), "--kubeconfig", str(folder / "config"), "get", "--raw", "/"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stderr


@pytest.mark.parametrize(
    ("shown", "trusted"),
    [
        *(("before", trusted) for trusted in ("old", "prepare", "switch")),
        *(("switch", trusted) for trusted in TRUSTED),
        *(("finished", trusted) for trusted in ("new", "prepare", "switch")),
    ],
)
def test_a_go_client_verifies_each_server_that_it_meets(
    server: Server, tmp_path: Path, shown: str, trusted: str
) -> None:
    server.show(SHOWN[shown])
    assert kubectl(server, tmp_path, TRUSTED[trusted]) == ""


@pytest.mark.parametrize(("shown", "trusted"), [("before", "new"), ("finished", "old")])
def test_a_client_that_missed_a_phase_is_cut_off(
    server: Server, tmp_path: Path, shown: str, trusted: str
) -> None:
    server.show(SHOWN[shown])
    assert "certificate signed by unknown authority" in kubectl(server, tmp_path, TRUSTED[trusted])


@pytest.mark.parametrize("trusted", TRUSTED)
def test_a_server_that_trusts_one_root_alone_accepts_a_chain_of_the_successor(
    server: Server, tmp_path: Path, trusted: str
) -> None:
    server.show(SHOWN["switch"], clients=TRUSTED[trusted])
    assert kubectl(server, tmp_path, TRUSTED["old"], CLIENT.cert_pem + CROSS) == ""


def test_a_go_client_rejects_a_successor_below_a_root_of_path_length_0(
    server: Server, tmp_path: Path
) -> None:
    """The reason for the path length of the CAs: OpenSSL would accept this chain."""
    root = root_of_path_length_0()
    server.show(AFTER.pem + cross_sign(root, NEW.cert_pem))
    error = kubectl(server, tmp_path, root.cert_pem)
    assert "too many intermediates for path length constraint" in error


def test_openssl_verifies_the_successors_leaf_with_the_old_root_alone(tmp_path: Path) -> None:
    for name, pem in {"old": OLD.cert_pem, "cross": CROSS, "leaf": AFTER.cert_pem}.items():
        (tmp_path / f"{name}.crt").write_text(pem)
    files = ("-CAfile", "old.crt", "-untrusted", "cross.crt", "leaf.crt")
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", *files]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_cross_signed_certificate_signs_leaves_alone_and_ends_with_the_old_root() -> None:
    found = x509.load_pem_x509_certificate(CROSS.encode())
    successor = x509.load_pem_x509_certificate(NEW.cert_pem.encode())
    constraints = found.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert found.public_key() == successor.public_key()
    assert found.subject == successor.subject
    assert certificates.expiry(CROSS) == certificates.expiry(OLD.cert_pem)
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(OLD.cert_pem.encode()))
