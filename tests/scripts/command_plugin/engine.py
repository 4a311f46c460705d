"""A fake engine log that records a plugin's messages."""

import threading
from concurrent import futures
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


@dataclass(frozen=True)
class LogMessage:
    """One message of a plugin. A passing one is shown only while it is the newest."""

    severity: str
    text: str
    urn: str
    passing: bool


class EngineLog(engine_pb2_grpc.EngineServicer):
    """Serves the part of the engine that a plugin reports to, and keeps what it said."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lines: list[LogMessage] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Keep one message."""
        severity = engine_pb2.LogSeverity.Name(request.severity).lower()
        with self._changed:
            self._lines.append(
                LogMessage(severity, request.message, request.urn, request.ephemeral)
            )
            self._changed.notify_all()
        return empty_pb2.Empty()

    def lines(self, urn: str | None = None) -> list[LogMessage]:
        """Give what was said so far, about one resource or about all."""
        with self._changed:
            return [line for line in self._lines if urn is None or line.urn == urn]

    def wait_for(self, text: str, *, urn: str, timeout: float) -> LogMessage:
        """Wait for a message that holds `text`."""

        def found() -> LogMessage | None:
            mine = (line for line in self._lines if line.urn == urn)
            return next((line for line in mine if text in line.text), None)

        with self._changed:
            line = self._changed.wait_for(found, timeout)
            said = [line.text for line in self._lines if line.urn == urn]
        assert line is not None, f"no message with {text!r} within {timeout} s, only {said}"
        return line

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop(grace=None).wait()
