"""One connection of HTTP/2 to an API server, for hundreds of requests without an end.

Each request that follows something would need a connection of its own with HTTP/1.1: thousands for
a fleet, on both sides. Only the thread that made a connection may use it.
https://www.rfc-editor.org/rfc/rfc9113
"""

import select
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import urllib3

from ops.kube.access import Access
from ops.kube.connections import SOCKET_OPTIONS
from ops.kube.errors import CLOSED, NO_SERVER, ApiError, Expired, Refused, Unavailable
from ops.kube.server_clock import ServerClock
from ops.watch.exchange import LATE, Exchange

CONNECT_SECONDS = 4.0
SEND_SECONDS = 5.0
RECEIVED_BYTES = 256 * 1024
# What the other side may send before it is acknowledged, for a request and for all of them.
WINDOW_BYTES = 1 << 20
ALL_WINDOWS_BYTES = 1 << 24
PORTS = {"https": 443, "http": 80}
PROXY_ANSWER_BYTES = 16 * 1024
HAS_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED


class NoHttp2(ApiError):
    """The server does not speak HTTP/2."""


class Connection:
    """A connection; raises Unavailable if there is none within CONNECT_SECONDS.

    `clock` learns the time of each answer.
    """

    def __init__(self, access: Access, clock: ServerClock) -> None:
        self._access, self._clock = access, clock
        self._socket = _connected(access)
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        )
        self._exchanges: dict[int, Exchange] = {}
        self.failure: ApiError | None = None
        url = urlsplit(access.server)
        self._prefix, self._authority = url.path.rstrip("/"), url.netloc.rpartition("@")[2]
        self._h2.initiate_connection()
        self._h2.update_settings(
            {
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
            }
        )
        self._h2.increment_flow_control_window(ALL_WINDOWS_BYTES)
        self._flush()

    def fileno(self) -> int:
        """Return the file of the socket."""
        return self._socket.fileno()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent and answers come in."""
        return self.failure is None

    @property
    def room(self) -> int:
        """Return how many more requests the other side takes at a time."""
        return int(self._h2.remote_settings.max_concurrent_streams) - len(self._exchanges)

    def open(self, exchange: Exchange) -> None:
        """Send a request; the exchange learns what becomes of it."""
        if self.failure is not None:
            exchange.finish(self.failure)
            return
        headers = [
            (":method", exchange.method),
            (":scheme", "https"),
            (":authority", self._authority),
            (":path", f"{self._prefix}{exchange.path}"),
            ("accept", exchange.accept),
            ("user-agent", "kubeadm-fleet-watch"),
            *((name.lower(), value) for name, value in self._access.headers.items()),
        ]
        if exchange.body is not None:
            headers.append(("content-type", "application/json"))
        try:
            stream = self._h2.get_next_available_stream_id()
            self._h2.send_headers(stream, headers, end_stream=exchange.body is None)
            if exchange.body is not None:
                self._h2.send_data(stream, exchange.body, end_stream=True)
        except (h2.exceptions.H2Error, ValueError) as error:
            exchange.finish(Unavailable(None, f"a request could not be sent: {error}"))
            return
        self._exchanges[stream] = exchange
        exchange.started(time.monotonic(), lambda: self._cancel(stream))
        self._flush()

    def receive(self) -> None:
        """Read what has come in, and pass it on; call it when the socket can be read."""
        while self.failure is None:
            try:
                content = self._socket.recv(RECEIVED_BYTES)
            except (ssl.SSLWantReadError, BlockingIOError):
                return
            except OSError as error:
                self.close(_unavailable(error))
                return
            if not content:
                self.close(Unavailable(None, "the connection was closed"))
                return
            try:
                events = self._h2.receive_data(content)
            except h2.exceptions.H2Error as error:
                self.close(Unavailable(None, f"its answer is not HTTP/2: {error}"))
                return
            for event in events:
                self._take(event)
            self._flush()
            if len(content) < RECEIVED_BYTES and not _pending(self._socket):
                return

    def expire(self, now: float) -> None:
        """End the requests whose time is up."""
        late = [
            (stream, each)
            for stream, each in self._exchanges.items()
            if each.deadline is not None and each.deadline <= now
        ]
        for stream, each in late:
            self._cancel(stream)
            each.finish(Unavailable(None, LATE))

    def close(self, error: ApiError) -> None:
        """Close it; all of its requests end with this error."""
        if self.failure is not None:
            return
        self.failure = error
        with suppress(OSError):
            self._socket.close()
        exchanges, self._exchanges = list(self._exchanges.values()), {}
        for exchange in exchanges:
            exchange.finish(error)

    def _take(self, event: h2.events.Event) -> None:
        stream = getattr(event, "stream_id", None)
        exchange = self._exchanges.get(stream) if stream is not None else None
        if isinstance(event, h2.events.DataReceived):
            length = event.flow_controlled_length or 0
            if length and self.failure is None:
                with suppress(h2.exceptions.H2Error):
                    self._h2.acknowledge_received_data(length, event.stream_id or 0)
            if exchange:
                exchange.data(event.data or b"")
        elif isinstance(event, h2.events.ResponseReceived) and exchange:
            headers = _texts(event.headers or ())
            self._clock.heard(headers.get("date", ""), time.monotonic() - exchange.begun)
            exchange.head(headers)
        elif isinstance(event, h2.events.StreamEnded) and exchange:
            self._exchanges.pop(event.stream_id or 0, None)
            exchange.finish()
        elif isinstance(event, h2.events.StreamReset) and exchange:
            self._exchanges.pop(event.stream_id or 0, None)
            exchange.finish(Unavailable(None, "the server ended the request"))
        elif isinstance(event, h2.events.ConnectionTerminated):
            # Requests without an end would keep the server from ending: they begin again elsewhere.
            self.close(Unavailable(None, "the server ended the connection"))

    def _cancel(self, stream: int) -> None:
        exchange = self._exchanges.pop(stream, None)
        if exchange is None or self.failure is not None:
            return
        with suppress(h2.exceptions.H2Error):
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
        self._flush()

    def _flush(self) -> None:
        content = memoryview(self._h2.data_to_send())
        deadline = time.monotonic() + SEND_SECONDS
        while content and self.failure is None:
            try:
                content = content[self._socket.send(content) :]
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                left = deadline - time.monotonic()
                if left <= 0 or not _is_writable(self._socket, left):
                    self.close(Unavailable(None, "the server takes no requests"))
            except OSError as error:
                self.close(_unavailable(error))


def _texts(headers: object) -> Mapping[str, str]:
    pairs = list(headers)  # type: ignore[call-overload]
    return {_text(name): _text(value) for name, value in pairs}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_writable(connected: socket.socket, seconds: float) -> bool:
    poll = select.poll()  # `select` knows no file beyond 1023
    poll.register(connected, select.POLLOUT)
    return bool(poll.poll(seconds * 1000))


def _pending(connected: socket.socket) -> bool:
    return isinstance(connected, ssl.SSLSocket) and connected.pending() > 0


def _connected(access: Access) -> socket.socket:
    """Return a socket without blocking, on which HTTP/2 was agreed."""
    url = urlsplit(access.server)
    if url.scheme != "https":
        raise NoHttp2(None, f"{access.server} is not an https URL, which watching needs")
    host, port = url.hostname or "", url.port or PORTS["https"]
    try:
        plain = _through_proxy(access.proxy, host, port) if access.proxy else _dial(host, port)
        try:
            tls = access.tls.wrap_socket(plain, server_hostname=access.server_name or host)
        except BaseException:
            plain.close()
            raise
    except (OSError, ValueError) as error:
        raise _unavailable(error) from None
    if tls.selected_alpn_protocol() != "h2":
        tls.close()
        raise NoHttp2(None, "it does not speak HTTP/2, which watching needs")
    tls.setblocking(False)
    return tls


def _dial(host: str, port: int) -> socket.socket:
    connected = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    for option in SOCKET_OPTIONS:
        connected.setsockopt(*option)
    return connected


def _through_proxy(proxy: str, host: str, port: int) -> socket.socket:
    """Return a tunnel through an HTTP proxy.

    https://www.rfc-editor.org/rfc/rfc9110#name-connect
    """
    url = urlsplit(proxy)
    if url.scheme != "http":
        raise OSError("a proxy-url with https is not supported for watching: use one with http")
    connected = _dial(url.hostname or "", url.port or PORTS[url.scheme])
    try:
        name = f"[{host}]" if ":" in host else host
        lines = [f"CONNECT {name}:{port} HTTP/1.1", f"Host: {name}:{port}"]
        if url.username:
            login = f"{unquote(url.username)}:{unquote(url.password or '')}"
            headers = urllib3.make_headers(proxy_basic_auth=login)
            lines += [f"{key}: {value}" for key, value in headers.items()]
        connected.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < PROXY_ANSWER_BYTES:
            # A byte at a time: what follows is the server's.
            part = connected.recv(1)
            if not part:
                break
            answer += part
        status = answer.split(b" ", 2)[1:2]
        if status != [str(int(HTTPStatus.OK)).encode()]:
            raise OSError(f"the proxy {url.hostname} refuses to connect")
    except BaseException:
        connected.close()
        raise
    return connected


def _unavailable(error: Exception) -> Unavailable:
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = Expired if error.verify_code == HAS_EXPIRED else Unavailable
        return kind(None, f"certificate verify failed: {error.verify_message}")
    if isinstance(error, CLOSED):
        return Refused(None, NO_SERVER)
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return (Refused if isinstance(error, ConnectionRefusedError) else Unavailable)(None, text)
