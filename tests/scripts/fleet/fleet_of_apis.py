"""Stand-ins for many clusters in one process: some answer, some hang, some are not there.

Run as a program with the arguments of `serve`, which are those of each; prints its port. The
cluster is the first part of the path. All are alike but `good-1`, in which two things differ.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
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
ODD, ODD_NODE = "good-1", "node-7"
# As many fields as a kubelet has.
KUBELET = {f"field{index}": index for index in range(100)} | {"maxPods": 110}
# As much as a kubelet says of a hundred pods.
DISK = {"capacityBytes": 100 << 30, "availableBytes": 60 << 30}
STATS = {"time": "2026-11-28T10:00:00Z", "usageBytes": 12345678, "workingSetBytes": 12345678}
SUMMARY = json.dumps(
    {
        "node": {"fs": DISK, "runtime": {"imageFs": DISK}},
        "pods": [{"podRef": {"name": f"{index}"}, "stats": [STATS] * 20} for index in range(100)],
    }
).encode()
# A Prometheus knows 500 pods, and as many former ones.
SERIES = [
    {"metric": {"namespace": "default", "pod": f"pod-{index}"}, "value": [1732788000.7, "0.25"]}
    for index in range(1000)
]
VECTOR = json.dumps(
    {"status": "success", "data": {"resultType": "vector", "result": SERIES}}
).encode()
MADE = {"stats/summary": SUMMARY, "api/v1/query": VECTOR}
ROLES = 60
RBAC = "apis/rbac.authorization.k8s.io/v1"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")


def node(index: int, planes: int = 0) -> dict[str, Any]:
    """Return a Node as large as a real one."""
    labels = {"node-role.kubernetes.io/control-plane": ""} if index < planes else {}
    return {
        "metadata": {
            "name": f"node-{index}",
            "creationTimestamp": "2026-11-26T10:00:00Z",
            "labels": labels,
        },
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"10.0.0.{index}"}],
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


def component(index: int) -> dict[str, Any]:
    """Return a component's pod of a control plane."""
    plane, name = divmod(index, len(COMPONENTS))
    flags = [f"--advertise-address=10.0.0.{plane}", *(f"--flag{each}=x" for each in range(40))]
    container = {"name": COMPONENTS[name], "image": "r/c:v1.36.3", "command": ["c", *flags]}
    return {
        "metadata": {"name": f"{name}-{plane}", "labels": {"component": COMPONENTS[name]}},
        "spec": {"nodeName": f"node-{plane}", "containers": [container]},
    }


def role(index: int) -> dict[str, Any]:
    """Return a ClusterRole."""
    rules = [
        {"apiGroups": [""], "resources": [f"r{index}-{n}"], "verbs": ["get"]} for n in range(9)
    ]
    return {"metadata": {"name": f"role-{index}"}, "rules": rules}


def other_role(index: int) -> dict[str, Any]:
    """Return it as the cluster has it that differs."""
    found = role(index)
    if not index:
        found["rules"][0]["verbs"] = ["*"]
    return found


def configuration(cluster: str, path: str) -> dict[str, Any] | None:
    """Return an answer about what clusters run with; None if that is not asked."""
    if path.endswith("/proxy/configz"):
        is_odd = cluster == ODD and f"/{ODD_NODE}/" in path
        return {"kubeletconfig": KUBELET | ({"maxPods": 70} if is_odd else {})}
    if path.endswith("/configmaps/kubeadm-config"):
        return {"data": {"ClusterConfiguration": f"clusterName: {cluster}"}}
    if "/configmaps/" in path:
        return {"metadata": {"name": path.rpartition("/")[2]}, "data": {}}
    return {"gitVersion": "v1.36.3"} if path == "version" else None


def serve(nodes: int, pods: int, planes: int = 0, of_dns: int | None = None) -> None:
    """Serve until the process is ended; of the pods, `of_dns` are DNS's (default: all)."""
    of_dns = pods if of_dns is None else of_dns

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            cluster, _, path = url.path.removeprefix("/").partition("/")
            if cluster.startswith("hang"):
                FOREVER.wait()
            query = parse_qs(url.query)
            lists: dict[str, tuple[int, Callable[[int], Any]]] = {
                "api/v1/nodes": (nodes, partial(node, planes=planes)),
                "api/v1/pods": (pods, pod),
                f"{RBAC}/clusterroles": (ROLES, other_role if cluster == ODD else role),
            }
            size, make = lists.get(path, (0, node))
            asked = self.path.replace("%3D", "=")
            if path.endswith("/pods") and "k8s-app=kube-dns" in asked:
                size, make = of_dns, pod
            elif path.endswith("/pods") and "tier=control-plane" in asked:
                size, make = planes * len(COMPONENTS), component
            first = int(query.get("continue", ["0"])[0])
            last = min(first + int(query.get("limit", ["500"])[0]), size)
            rest = {"continue": str(last)} if last < size else {}
            answer = configuration(cluster, path) or {
                "metadata": rest,
                "items": [make(index) for index in range(first, last)],
            }
            body = MADE.get(path.partition("/proxy/")[2]) or json.dumps(answer).encode()
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
