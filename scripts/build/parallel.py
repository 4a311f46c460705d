"""Parallel calls in threads that do not keep the process from exiting.

A call that a user interrupts, or whose sibling failed, is abandoned: downloads and builds resume at
the next run.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, wait
from threading import Event, Semaphore, Thread
from typing import TypeVar

T = TypeVar("T")


def start(call: Callable[[], T]) -> Future[T]:
    """Start a call in a thread of its own."""
    future: Future[T] = Future()

    def body() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=body, daemon=True).start()
    return future


def in_parallel(calls: Sequence[Callable[[], T]], width: int) -> list[T]:
    """Make the calls, `width` at a time; return their results or raise the first failure."""
    slots, failed = Semaphore(width), Event()

    def limited(call: Callable[[], T]) -> T:
        with slots:
            if failed.is_set():
                raise CancelledError
            try:
                return call()
            except BaseException:
                failed.set()
                raise

    def bound(call: Callable[[], T]) -> Callable[[], T]:
        return lambda: limited(call)

    futures = [start(bound(call)) for call in calls]
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        error = future.exception()
        if error is not None and not isinstance(error, CancelledError):
            raise error
    return [future.result() for future in futures]
