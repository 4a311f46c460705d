"""RunningOperations in progress, and their early end: an interrupt of the engine, or a timeout."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from scripts.command_plugin.plugin_log import ResourceLog


class Failure(Exception):
    """A failed operation: the message that the engine shows."""

    def __init__(self, text: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(text)
        self.code = code


class OperationEnded(Failure):
    """An operation was ended early."""


class RunningOperation:
    """One create, update or delete in progress."""

    def __init__(self, log: ResourceLog, timeout: float) -> None:
        self.log = log
        self._deadline = time.monotonic() + timeout if timeout else None
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._actions: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Cancel the operation: its running command and its waits."""
        with self._lock:
            self._cancelled.set()
            actions = list(self._actions)
        for action in actions:
            action()

    def cancelled(self) -> OperationEnded | None:
        """Return the error if the engine was interrupted."""
        if self._cancelled.is_set():
            return OperationEnded("context canceled", grpc.StatusCode.CANCELLED)
        return None

    def reason_to_end(self) -> OperationEnded | None:
        """Return the error if the operation must not continue."""
        if cancelled := self.cancelled():
            return cancelled
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return OperationEnded("context deadline exceeded", grpc.StatusCode.DEADLINE_EXCEEDED)
        return None

    def pause(self, seconds: float) -> None:
        """Wait before a retry; raise if the operation is to end meanwhile."""
        if (left := self.seconds_left()) is not None:
            seconds = min(seconds, left)
        self._cancelled.wait(seconds)
        if reason := self.reason_to_end():
            raise reason

    def seconds_left(self) -> float | None:
        """Return how long the operation may still take; None means no limit."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    @contextmanager
    def when_cancelled(self, action: Callable[[], None]) -> Iterator[None]:
        """Run an action if the operation is cancelled within this context."""
        with self._lock:
            self._actions.append(action)
            late = self._cancelled.is_set()
        try:
            if late:
                action()
            yield
        finally:
            with self._lock:
                self._actions.remove(action)


class RunningOperations:
    """All operations in progress. Once cancelled, later ones are cancelled from their start."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._running: set[RunningOperation] = set()
        self._cancelled = False

    @contextmanager
    def start(self, log: ResourceLog, timeout: float) -> Iterator[RunningOperation]:
        """Begin an operation that may take `timeout` seconds; 0 means no limit."""
        operation = RunningOperation(log, timeout)
        with self._lock:
            self._running.add(operation)
            cancelled = self._cancelled
        if cancelled:
            operation.cancel()
        try:
            yield operation
        finally:
            with self._lock:
                self._running.remove(operation)
                self._lock.notify_all()

    def cancel(self) -> None:
        """Cancel all operations."""
        with self._lock:
            self._cancelled = True
            running = list(self._running)
        # In parallel: ending a remote command takes as long as its host takes to answer.
        threads = [threading.Thread(target=operation.cancel, daemon=True) for operation in running]
        for thread in threads:
            thread.start()

    def wait(self, seconds: float) -> None:
        """Wait at most this long until no operation is in progress."""
        with self._lock:
            self._lock.wait_for(lambda: not self._running, seconds)
