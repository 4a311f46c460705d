"""A command's output: kept completely, in order of arrival, and shown as it arrives."""

import threading
from collections.abc import Callable

import grpc

from scripts.command_plugin.go_format import quote
from scripts.command_plugin.plugin_log import OutputLog
from scripts.command_plugin.running_operation import Failure


class CommandOutput:
    """Collects a command's output on both streams. Any thread may write."""

    def __init__(self, logging: str | None, log: OutputLog) -> None:
        self._lock = threading.Lock()
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._both = bytearray()
        self._log = log
        # An unknown mode shows nothing, as with the official plugin.
        self._show_stdout = logging in (None, "stdout", "stdoutAndStderr")
        self._show_stderr = logging in (None, "stderr", "stdoutAndStderr")

    def write_stdout(self, data: bytes) -> None:
        """Add a chunk of standard output."""
        self._write(self._stdout, data, show=self._show_stdout)

    def write_stderr(self, data: bytes) -> None:
        """Add a chunk of standard error."""
        self._write(self._stderr, data, show=self._show_stderr)

    def _write(self, stream: bytearray, data: bytes, *, show: bool) -> None:
        with self._lock:
            stream += data
            self._both += data
        if show:
            self._log.write(data)

    def properties(self) -> dict[str, str]:
        """Return both streams as properties, each without its trailing newline."""
        return {"stdout": _text(self._stdout, "stdout"), "stderr": _text(self._stderr, "stderr")}

    def failure(self, reason: str, command: str, code: grpc.StatusCode | None = None) -> Failure:
        """Return the failure of a command: its reason, the command, and all of its output."""
        printed = self._both.decode(errors="replace")
        text = f"{reason}: running {quote(command)}:\n{printed}"
        return Failure(text, code or grpc.StatusCode.UNKNOWN)


def _text(stream: bytearray, name: str) -> str:
    try:
        return stream.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        # The official plugin fails here too: a property is text.
        raise Failure(
            f"grpc: error while marshaling: string field contains invalid UTF-8: {name} of the "
            f"command, at byte {error.start}",
            grpc.StatusCode.INTERNAL,
        ) from None


def pump(read: Callable[[int], bytes], write: Callable[[bytes], None]) -> None:
    """Copy a stream until its end."""
    while data := read(64 * 1024):
        write(data)
