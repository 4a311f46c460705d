"""Stand-ins for many clusters in one process: some answer, some hang, some are not there.

Run as a program with the number of clusters, Nodes and pods of each; prints its port. The cluster
is the first part of the path.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

# A Node's list of images is most of it.
IMAGES = [
    {"names": [f"registry.example/{index}@sha256:{'a' * 64}"], "sizeBytes": index}
    for index in range(50)
]
RESOURCES = {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}
FOREVER = Event()


def node(index: int) -> dict[str, Any]:
    """Return a Node as large as a real one."""
    return {
        "metadata": {"name": f"node-{index}", "creationTimestamp": "2026-11-26T10:00:00Z"},
        "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
            "images": IMAGES,
        },
    }


def pod(index: int) -> dict[str, Any]:
    """Return a pod that DNS has, so that all of them are listed."""
    return {
        "metadata": {
            "namespace": "default",
            "name": f"pod-{index}",
            "ownerReferences": [
                {"kind": "StatefulSet", "name": f"set-{index % 50}", "controller": True}
            ],
            "annotations": {"fill": "x" * 3000},
        },
        "spec": {"nodeName": f"node-{index % 50}", "containers": [{"resources": RESOURCES}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def serve(nodes: int, pods: int) -> None:
    """Serve until the process is ended."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            cluster, _, path = url.path.removeprefix("/").partition("/")
            if cluster.startswith("hang"):
                FOREVER.wait()
            query = parse_qs(url.query)
            size, make = {"api/v1/nodes": (nodes, node)}.get(path, (0, node))
            if (
                path.endswith("/pods") and "k8s-app=kube-dns" in self.path.replace("%3D", "=")
            ) or path == "api/v1/pods":
                size, make = pods, pod
            first = int(query.get("continue", ["0"])[0])
            last = min(first + int(query.get("limit", ["500"])[0]), size)
            rest = {"continue": str(last)} if last < size else {}
            answer = {"metadata": rest, "items": [make(index) for index in range(first, last)]}
            body = json.dumps(answer if path != "version" else {"gitVersion": "v1.36.3"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 500

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
