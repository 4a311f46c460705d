"""Kubernetes APIs over HTTP/2 and TLS that can be watched: many clusters in one thread.

The cluster is the first part of the path.
"""

import asyncio
import base64
import json
import ssl
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from model.pki import certificates
from model.pki.leaves import LEAVES
from ops.kube.apply import FIELD_MANAGER
from ops.kube.cluster_status import APPS
from ops.watch.leaders import LEADERS, LEASES
from ops.watch.scrapes import METRICS
from ops.watch.slow import REVIEWS
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.kube.api_server import _serving_certificate as serving_certificate

Thing = dict[str, Any]
LEASE_SECONDS = 2.0
WRITTEN = "2026-01-01T00:00:00Z"
# What this program applies.
OURS = ((APPS[0], "kubeadm-fleet-probe"), (APPS[2], "kube-flannel-ds"))
STREAMS = 1000
FOLLOWED = "?follow"


class Stream:
    """A request that is being answered."""

    def __init__(self, connection: "Connection", number: int, path: str, container: str) -> None:
        self.connection, self.number = connection, number
        self.path, self.container = path, container
        self.ahead = timedelta()
        self.is_open = True
        self._waiting = bytearray()
        self._ends = False

    def head(self, status: int) -> None:
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        headers = [(":status", str(status)), ("date", date)]
        self.connection.h2.send_headers(self.number, headers)
        self.connection.flush()

    def send(self, content: bytes, *, end: bool = False) -> None:
        self._waiting += content
        self._ends = self._ends or end
        self.push()

    def push(self) -> None:
        """Send what the other side has room for."""
        h2c = self.connection.h2
        while self.is_open and (self._waiting or self._ends):
            room = min(h2c.local_flow_control_window(self.number), h2c.max_outbound_frame_size)
            part = bytes(self._waiting[:room])
            if not part and self._waiting:
                break
            del self._waiting[: len(part)]
            is_last = self._ends and not self._waiting
            h2c.send_data(self.number, part, end_stream=is_last)
            if is_last:
                self.close()
        self.connection.flush()

    def close(self) -> None:
        self.is_open = False
        self.connection.streams.pop(self.number, None)


class Cluster:
    """What one API has. Tests call the methods below `# from tests`, from their own thread."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self.name, self._loop = name, loop
        self.objects: dict[str, dict[str, Thing]] = defaultdict(dict)
        self.logs: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.failures: dict[str, tuple[int, str]] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.metrics = ""
        self.others: dict[str, Thing] = {}
        self.rights: set[str] = set()
        self.stale_leaders: set[str] = set()
        # The clocks of API servers, before this host's, by Node.
        self.api_servers: dict[str, timedelta] = {}
        self.asked: list[str] = []
        # The media types that were asked for, by path.
        self.accepted: dict[str, set[str]] = defaultdict(set)
        self.streams: set[Stream] = set()
        self.is_hanging = False
        # Paths that nothing is answered to; what is followed is a path with FOLLOWED.
        self.unanswered: set[str] = set()
        # Of its clock, before this host's.
        self.ahead = timedelta()
        self.version = 1000
        self.oldest = 0
        self._events: dict[str, list[tuple[int, bytes]]] = defaultdict(list)

    # from tests

    def put(self, path: str, thing: Thing) -> None:
        """Create or change an object."""
        self._do(lambda: self._put(path, thing))

    def remove(self, path: str, name: str) -> None:
        """Delete an object."""
        self._do(lambda: self._remove(path, name))

    def log(self, pod: str, container: str, line: str) -> None:
        """Append a line to the log of a container."""
        self._do(lambda: self._log(pod, container, line))

    def measure(self, *left_out: str) -> None:
        """Have metrics-server measure all Nodes but some."""
        names = [name for name in list(self.objects[NODES_PATH]) if name not in left_out]
        self.others[METRICS] = {"metadata": {}, "items": [measurement(name) for name in names]}

    def end_logs(self, pod: str) -> None:
        """End the followed logs of a pod."""

        def end() -> None:
            for stream in list(self.streams):
                if stream.is_open and stream.path == f"{PODS_PATH}/{pod}/log":
                    stream.send(b"", end=True)

        self._do(end)

    def cut(self) -> None:
        """Close all connections to it."""
        self._do(lambda: [each.connection.transport.close() for each in list(self.streams)])

    def go_away(self) -> None:
        """Ask all connections to end, as an API server does that stops."""

        def go_away() -> None:
            for each in list(self.streams):
                each.connection.go_away()

        self._do(go_away)

    def compact(self) -> None:
        """Forget the past: who continues a watch from then is told to list again."""

        def compact() -> None:
            self.oldest = self.version + 1
            self._events.clear()
            self.version += 1

        self._do(compact)

    def emit(self, path: str, line: bytes) -> None:
        """Send anything to who watches a path."""
        self._do(lambda: self._emit(path, line))

    def _do(self, call: Callable[[], object]) -> None:
        done = threading.Event()

        def work() -> None:
            try:
                call()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(work)
        assert done.wait(10)

    # in the loop

    def _put(self, path: str, thing: Thing) -> None:
        name = thing["metadata"]["name"]
        kind = "MODIFIED" if name in self.objects[path] else "ADDED"
        self.objects[path][name] = self._versioned(thing)
        self._event(path, kind, self.objects[path][name])

    def _remove(self, path: str, name: str) -> None:
        self._event(path, "DELETED", self._versioned(self.objects[path].pop(name)))

    def _versioned(self, thing: Thing) -> Thing:
        self.version += 1
        metadata = {**thing["metadata"], "resourceVersion": str(self.version)}
        return {**thing, "metadata": metadata}

    def _event(self, path: str, kind: str, thing: Thing) -> None:
        line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
        self._events[path].append((self.version, line))
        self._emit(path, line)

    def _emit(self, path: str, line: bytes) -> None:
        for stream in list(self.streams):
            if stream.is_open and stream.path == path and not stream.container:
                stream.send(line)

    def _log(self, pod: str, container: str, line: str) -> None:
        self.logs[(pod, container)].append(line)
        for stream in list(self.streams):
            if stream.path == f"{PODS_PATH}/{pod}/log" and stream.container == container:
                stream.send(f"{line}\n".encode())

    def answer(
        self, connection: "Connection", number: int, method: str, url: str, body: bytes
    ) -> None:
        """Answer a request."""
        parts = urlsplit(url)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        stream = Stream(connection, number, parts.path, query.get("container", ""))
        stream.ahead = self.ahead
        connection.streams[number] = stream
        self.streams = {each for each in self.streams if each.is_open} | {stream}
        self.asked.append(f"{method} {parts.path}{'?watch' if 'watch' in query else ''}")
        asked = parts.path + (FOLLOWED if "follow" in query else "")
        if self.is_hanging or asked in self.unanswered:
            return
        if failure := self.failures.get(parts.path) or self.failures.get("*"):
            stream.head(failure[0])
            said = json.dumps({"kind": "Status", "message": failure[1], "code": failure[0]})
            stream.send(said.encode(), end=True)
        elif "watch" in query:
            self._watch(stream, int(query["resourceVersion"] or 0))
        elif query.get("follow") == "true":
            stream.head(200)
            lines = self.logs[(parts.path.split("/")[-2], stream.container)]
            tail = lines[-int(query["tailLines"]) :]
            stream.send("".join(f"{line}\n" for line in tail).encode())
        else:
            stream.head(200)
            stream.send(self._short(parts.path, query, body), end=True)

    def _watch(self, stream: Stream, since: int) -> None:
        if since < self.oldest:
            stream.head(410)
            said = {"kind": "Status", "message": "too old resource version", "code": 410}
            stream.send(json.dumps(said).encode(), end=True)
            return
        stream.head(200)
        missed = [line for version, line in self._events[stream.path] if version > since]
        stream.send(b"".join(missed))

    def _short(self, path: str, query: dict[str, str], body: bytes) -> bytes:
        if path == "/metrics":
            return self.metrics.encode()
        if path.endswith("/log"):
            return b"{"
        if path in self.others:
            return json.dumps(self.others[path]).encode()
        if path == REVIEWS:
            asked = json.loads(body)["spec"]["resourceAttributes"]
            allowed = f"{asked['verb']} {asked['resource']}" in self.rights
            return json.dumps({"status": {"allowed": allowed}}).encode()
        if path == LEASES:
            now = datetime.now(UTC).isoformat()
            items = [self._lease(name, now) for name in LEADERS]
            items += [identity(name, ahead) for name, ahead in list(self.api_servers.items())]
            return json.dumps({"items": items}).encode()
        every = list(self.objects[path].values())
        begin, end = int(query.get("continue", "0")), int(query.get("continue", "0"))
        end = begin + int(query.get("limit", "500"))
        metadata = {"resourceVersion": str(self.version)}
        if end < len(every):
            metadata["continue"] = str(end)
        return json.dumps({"metadata": metadata, "items": every[begin:end]}).encode()

    def _lease(self, name: str, now: str) -> Thing:
        time = "2026-01-01T00:00:00Z" if name in self.stale_leaders else now
        return {"metadata": {"name": name}, "spec": {"holderIdentity": "x", "renewTime": time}}


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, clusters: dict[str, Cluster]) -> None:
        self._clusters = clusters
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.streams: dict[int, Stream] = {}
        self._requests: dict[int, tuple[dict[str, str], bytearray]] = {}

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.h2.initiate_connection()
        self.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS})
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        for stream in list(self.streams.values()):
            stream.close()

    def data_received(self, data: bytes) -> None:
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.H2Error:
            self.transport.close()
            return
        for event in events:
            self._take(event)
        for stream in list(self.streams.values()):
            with suppress(h2.exceptions.H2Error):
                stream.push()
        self.flush()

    def flush(self) -> None:
        if content := self.h2.data_to_send():
            self.transport.write(content)

    def go_away(self) -> None:
        with suppress(h2.exceptions.H2Error):
            self.h2.close_connection()
        self.flush()

    def _take(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            self._requests[event.stream_id] = (dict(event.headers), bytearray())  # type: ignore[arg-type]
        elif isinstance(event, h2.events.DataReceived):
            self._requests[event.stream_id][1].extend(event.data)
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            if stream := self.streams.get(event.stream_id):
                stream.close()
        elif isinstance(event, h2.events.StreamEnded):
            headers, body = self._requests.pop(event.stream_id)
            name, _, path = headers[":path"].removeprefix("/").partition("/")
            cluster = self._clusters[name]
            cluster.accepted[f"/{path.partition('?')[0]}"].add(headers.get("accept", ""))
            cluster.answer(self, event.stream_id, headers[":method"], f"/{path}", bytes(body))


class Apis:
    """The server: `clusters` by name, and how they are reached."""

    def __init__(self) -> None:
        self.clusters: dict[str, Cluster] = {}
        self.authority = certificates.new_authority("kubernetes", timedelta(days=1))
        self.loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self.port = 0
        with tempfile.TemporaryDirectory() as folder:
            self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._tls.load_cert_chain(
                serving_certificate(self.authority, Path(folder), timedelta(hours=5))
            )
        self._tls.set_alpn_protocols(["h2"])
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.listen()

    def listen(self) -> None:
        """Accept connections, on the port of before if there was one."""
        self._wait(self._listen())

    def refuse(self) -> None:
        """Refuse connections, and close those that there are."""
        self._wait(self._refuse())

    def stop(self) -> None:
        """End it."""
        self.refuse()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)

    def add(self, name: str, nodes: int = 2) -> Cluster:
        """Add a healthy cluster."""
        cluster = self.clusters[name] = Cluster(name, self.loop)
        fill(cluster, nodes)
        return cluster

    def kubeconfig(self, *names: str) -> dict[str, Any]:
        """Return a kubeconfig for these clusters."""
        data = base64.b64encode(self.authority.cert_pem.encode()).decode()
        return {
            "clusters": [
                {
                    "name": name,
                    "cluster": {
                        "server": f"https://127.0.0.1:{self.port}/{name}",
                        "certificate-authority-data": data,
                    },
                }
                for name in names
            ],
            "users": [{"name": "watch", "user": {"token": "t"}}],
            "contexts": [
                {"name": f"{name}-watch", "context": {"cluster": name, "user": "watch"}}
                for name in names
            ],
        }

    async def _listen(self) -> None:
        self._server = await self.loop.create_server(
            lambda: Connection(self.clusters),
            "127.0.0.1",
            self.port,
            ssl=self._tls,
            reuse_address=True,
            backlog=500,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        for cluster in self.clusters.values():
            for stream in list(cluster.streams):
                stream.connection.transport.abort()

    def _wait(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)


def identity(name: str, ahead: timedelta) -> Thing:
    """Return the lease of an API server, which it renews every other second."""
    renewed = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) // 2 * 2, UTC) + ahead
    metadata = {"name": f"apiserver-{name}", "labels": {"kubernetes.io/hostname": name}}
    return {"metadata": metadata, "spec": {"renewTime": renewed.isoformat()}}


SILENT = "kubelet stopped posting node status"


def node(
    name: str, *, is_plane: bool = False, ready: str = "True", why: str = SILENT, fill: str = ""
) -> Thing:
    """Return a Node; `why` is what its condition Ready says."""
    labels = {"node-role.kubernetes.io/control-plane": ""} if is_plane else {}
    return {
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"fill": fill},
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {},
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": ready,
                    "message": why,
                    "lastTransitionTime": "2026-11-27T08:00:00Z",
                }
            ],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    }


def measurement(node: str) -> Thing:
    """Return what metrics-server has measured of a Node just now."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    system = {"arch": "amd64", "hostname": node, "os": "linux"}
    labels = {f"kubernetes.io/{key}": value for key, value in system.items()}
    labels |= {f"beta.{key}": labels[key] for key in ("kubernetes.io/arch", "kubernetes.io/os")}
    return {
        "metadata": {
            "name": node,
            "creationTimestamp": now,
            "labels": {**labels, "kubeadm-fleet/pool": "worker"},
        },
        "timestamp": now,
        "window": "15.012s",
        "usage": {"cpu": "123456789n", "memory": "1234567Ki"},
    }


def pod(
    name: str, node: str, labels: dict[str, str], *, address: str = "", ready: str = "True"
) -> Thing:
    """Return a pod."""
    containers = [{"name": "probe"}, {"name": "host"}] if address else [{"name": "c"}]
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"nodeName": node, "containers": containers},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "podIP": address,
            "startTime": "2026-01-01T00:00:00Z",
        },
    }


def component(name: str, node: str, **more: Any) -> Thing:
    """Return a static pod of a control plane."""
    return pod(f"{name}-{node}", node, {"component": name, "tier": "control-plane"}, **more)


def probe(node: str, index: int, **more: Any) -> Thing:
    """Return the probe pod of a Node."""
    labels = {"app.kubernetes.io/name": "kubeadm-fleet-probe"}
    return pod(f"probe-{node}", node, labels, address=address(index), **more)


def address(index: int) -> str:
    """Return the address of a probe pod."""
    return f"10.244.{index}.3"


def reaches(nodes: int, index: int, unreached: dict[str, str] | None = None) -> str:
    """Return a line of a probe's log."""
    others = {address(each) for each in range(nodes) if each != index} - set(unreached or {})
    return json.dumps(
        {
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "address": address(index),
            "reached": sorted(others),
            "unreached": unreached or {},
        }
    )


def says(*differs: Thing, reporting: bool = True, **more: Any) -> str:
    """Return a line of what a machine reports."""
    now = int(datetime.now(UTC).timestamp())
    report = {"time": now, "version": 1, "differs": list(differs), **more}
    return json.dumps({"reporting": reporting, "report": report})


def differs(name: str, kind: str = "file") -> Thing:
    """Return a difference of a report."""
    return {"kind": kind, "name": name, "what": "was changed", "since": 1795757000}


def fill(cluster: Cluster, nodes: int) -> None:
    """Make a cluster healthy; its first Node is its control plane."""
    for index in range(nodes):
        name = f"n{index}"
        # As large as a real one, which lists its images.
        large = "x" * 8000 if nodes > 10 else ""
        cluster.put(NODES_PATH, node(name, is_plane=not index, fill=large))
        cluster.put(PODS_PATH, probe(name, index))
        cluster.log(f"probe-{name}", "probe", reaches(nodes, index))
        now = int(datetime.now(UTC).timestamp())
        backup: dict[str, Any] = {} if index else {"backup": {"time": now, "failure": ""}}
        leaves = ["kubelet-client", "kubelet-serving", *([] if index else LEAVES)]
        validity: dict[str, Any] = {
            "certificates": dict.fromkeys(leaves, now + 10**7),
            "issued": dict.fromkeys(leaves, now - 10**7),
        }
        cluster.log(f"probe-{name}", "host", says(**validity, **backup))
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        cluster.put(PODS_PATH, component(name, "n0"))
    cluster.put(PODS_PATH, pod("coredns", "n0", {"k8s-app": "kube-dns"}))
    workload = {"spec": {"template": {"spec": {"containers": [{"image": "r/p:v1"}]}}}}
    status = {"desiredNumberScheduled": nodes, "numberReady": nodes}
    cluster.put(APPS[0], {"metadata": {"name": "kube-proxy"}, "status": status, **workload})
    applied = [{"manager": FIELD_MANAGER, "time": WRITTEN}]
    for path, name in OURS:
        metadata = {"name": name, "managedFields": applied}
        cluster.put(path, {"metadata": metadata, "status": status, **workload})
