"""The engine's log: messages shown with a resource while an operation is in progress."""

import codecs
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from scripts.command_plugin.protocol import engine_pb2, engine_pb2_grpc

CALL_SECONDS = 30
# Maximum message length; a longer line is split.
MAX_MESSAGE = 64 * 1024
# If the engine falls this many lines behind, several are sent in one message.
MANY_LINES = 100


class PluginLog:
    """The connection to the engine that started this plugin."""

    def __init__(self, address: str) -> None:
        channel = grpc.insecure_channel(address)
        self._stub = engine_pb2_grpc.EngineStub(channel)

    def send(
        self,
        severity: "engine_pb2.LogSeverity.ValueType",
        text: str,
        urn: str = "",
        *,
        passing: bool = False,
    ) -> None:
        """Show a message; an ephemeral one only until the next. On failure, write to stderr."""
        request = engine_pb2.LogRequest(
            severity=severity,
            message=text,
            urn=urn,
            ephemeral=passing,
        )
        try:
            self._stub.Log(request, timeout=CALL_SECONDS)
        except grpc.RpcError:
            sys.stderr.write(f"{text}\n")

    def about(self, urn: str) -> "ResourceLog":
        """Return the log of one resource."""
        return ResourceLog(self, urn)


class ResourceLog:
    """The log of one resource."""

    def __init__(self, engine: PluginLog, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    def debug(self, text: str) -> None:
        """Show a debug message."""
        self._engine.send(engine_pb2.DEBUG, text, self._urn)

    def warning(self, text: str) -> None:
        """Show a warning."""
        self._engine.send(engine_pb2.WARNING, text, self._urn)

    def error(self, text: str) -> None:
        """Show an error."""
        self._engine.send(engine_pb2.ERROR, text, self._urn)

    def progress(self, text: str) -> None:
        """Show the current progress."""
        self._engine.send(engine_pb2.INFO, text, self._urn, passing=True)

    @contextmanager
    def output(self) -> Iterator["OutputLog"]:
        """Yield a log for a running command's output; on exit, all of it has been shown."""
        log = OutputLog(self)
        try:
            yield log
        finally:
            log.close()


class OutputLog:
    """Shows a command's output line by line, without ever blocking the command."""

    def __init__(self, log: ResourceLog) -> None:
        self._log = log
        self._changed = threading.Condition()
        self._pending: list[str] = []
        self._unfinished = ""
        self._closed = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sender: threading.Thread | None = None

    def write(self, data: bytes) -> None:
        """Take a chunk of a command's output."""
        with self._changed:
            *lines, self._unfinished = (self._unfinished + self._decoder.decode(data)).split("\n")
            self._pending += [piece for line in lines for piece in _pieces(line.removesuffix("\r"))]
            while len(self._unfinished) > MAX_MESSAGE:
                self._pending.append(self._unfinished[:MAX_MESSAGE])
                self._unfinished = self._unfinished[MAX_MESSAGE:]
            self._send_pending()

    def close(self) -> None:
        """Show the remaining output, and wait until all has been shown."""
        with self._changed:
            rest = self._unfinished + self._decoder.decode(b"", final=True)
            if rest:
                self._pending.append(rest)
            self._closed = True
            self._send_pending()
        if self._sender is not None:
            self._sender.join()

    def _send_pending(self) -> None:
        if self._pending and self._sender is None:
            self._sender = threading.Thread(target=self._send, name="output log", daemon=True)
            self._sender.start()
        self._changed.notify()

    def _send(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                lines, self._pending = self._pending, []
            if not lines:
                return
            for message in lines if len(lines) <= MANY_LINES else _joined(lines):
                self._log.progress(message)


def _pieces(line: str) -> list[str]:
    starts = range(0, max(len(line), 1), MAX_MESSAGE)
    return [line[start : start + MAX_MESSAGE] for start in starts]


def _joined(lines: list[str]) -> Iterator[str]:
    """Join lines into as few messages as possible."""
    first = 0
    size = 0
    for index, line in enumerate(lines):
        if size and size + len(line) > MAX_MESSAGE:
            yield "\n".join(lines[first:index])
            first, size = index, 0
        size += len(line) + 1
    yield "\n".join(lines[first:])
