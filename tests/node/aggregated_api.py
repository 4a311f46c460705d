"""An aggregated API server outside of the cluster, which notes its clients' certificates."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from model.pki import certificates
from model.pki import serving as kubelet_serving

GROUP, VERSION = "test.kubeadm-fleet", "v1"
RESOURCES = {"kind": "APIResourceList", "groupVersion": f"{GROUP}/{VERSION}", "resources": []}


@contextmanager
def aggregated_api(address: str, clients: str, folder: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Serve at an address; yield the port, and the clients' certificates (DER), the last one last.

    Each client must have a certificate of the CA `clients`.
    """
    seen: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert isinstance(self.connection, ssl.SSLSocket)
            seen.append(self.connection.getpeercert(binary_form=True) or b"")
            body = json.dumps(RESOURCES).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    own = certificates.new_authority("aggregated", timedelta(days=1))
    pair = kubelet_serving.issue(own, "aggregated", address, timedelta(hours=1))
    pem = folder / "aggregated.pem"
    pem.write_text(pair.pem)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=clients)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(pem)
    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def objects(address: str, port: int) -> str:
    """Return the objects that add the API to a cluster."""
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "aggregated"},
            "spec": {"ports": [{"port": 443, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "aggregated",
                "labels": {"kubernetes.io/service-name": "aggregated"},
            },
            "addressType": "IPv4",
            "ports": [{"port": port}],
            "endpoints": [{"addresses": [address]}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{VERSION}.{GROUP}"},
            "spec": {
                "group": GROUP,
                "version": VERSION,
                "groupPriorityMinimum": 1000,
                "versionPriority": 10,
                "insecureSkipTLSVerify": True,
                "service": {"name": "aggregated", "namespace": "default"},
            },
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
