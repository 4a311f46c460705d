"""Running a program in a pod through the API, as `kubectl exec` does.

It uses the same TLS context as every other call and has a deadline. The protocol is the streaming
subprotocol v4: each message begins with its channel number.
https://kubernetes.io/docs/reference/using-api/websockets/ (v4.channel.k8s.io)
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

from ops.kube.client import Client

if TYPE_CHECKING:
    from websocket import WebSocket

PROTOCOL = "v4.channel.k8s.io"
OUTPUT, ERRORS, OUTCOME = 1, 2, 3


class ExecError(Exception):
    """The program could not be run, or its outcome is unknown."""


@dataclass(frozen=True)
class ExecResult:
    """The result of a program: its exit status and its output."""

    status: int
    output: str
    errors: str


def run(
    client: Client, namespace: str, pod: str, command: Sequence[str], *, deadline_seconds: float
) -> ExecResult:
    """Run `command` in the pod's first container; raise ExecError if that was not possible."""
    import websocket

    query = urlencode(
        [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
    )
    access = client.access
    server = access.server.replace("http", "ws", 1)
    deadline = time.monotonic() + deadline_seconds
    try:
        connection = websocket.create_connection(
            f"{server}/api/v1/namespaces/{namespace}/pods/{pod}/exec?{query}",
            timeout=deadline_seconds,
            subprotocols=[PROTOCOL],
            header=dict(access.headers),
            sslopt={"context": access.tls}
            | ({"server_hostname": access.server_name} if access.server_name else {}),
            **_through(access.proxy),
        )
        try:
            return _result(_listen(connection, deadline))
        finally:
            connection.shutdown()  # type: ignore[no-untyped-call]
    except websocket.WebSocketBadStatusException as error:
        body = (error.resp_body or b"").decode(errors="replace").strip()
        raise ExecError(f"{pod}: status {error.status_code} {body}") from None
    except (OSError, websocket.WebSocketException) as error:
        raise ExecError(f"{pod}: {error}") from None


def _through(proxy: str) -> dict[str, Any]:
    """Return a proxy as the library takes it; never one of the environment."""
    if not proxy:
        return {"http_no_proxy": ["*"]}
    url = urlsplit(proxy)
    login = (unquote(url.username), unquote(url.password or "")) if url.username else None
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    return {
        "http_proxy_host": url.hostname,
        "http_proxy_port": port,
        "http_proxy_auth": login,
        "proxy_type": "http",
        "http_no_proxy": [],
    }


def _listen(connection: "WebSocket", deadline: float) -> dict[int, str]:
    """Return the data received on each channel until the other side closed."""
    import websocket

    received = {channel: bytearray() for channel in (OUTPUT, ERRORS, OUTCOME)}
    while True:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        code, message = connection.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            return {channel: data.decode(errors="replace") for channel, data in received.items()}
        if message and message[0] in received:
            received[message[0]] += message[1:]


def _result(received: dict[int, str]) -> ExecResult:
    outcome = json.loads(received[OUTCOME] or "{}")
    return ExecResult(_status(outcome), received[OUTPUT], received[ERRORS])


def _status(outcome: dict[str, Any]) -> int:
    """Return the exit status that the kubelet reported as a Kubernetes Status."""
    if outcome.get("status") == "Success":
        return 0
    for cause in outcome.get("details", {}).get("causes", ()):
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise ExecError(outcome.get("message") or "the connection was lost before the program ended")
