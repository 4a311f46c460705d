"""Parallel calls in threads that do not keep the process from exiting.

A call that a person interrupts, or whose sibling failed, is left where it is: what makers do goes
on from there the next time.
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
    """Make the calls, `width` at a time, and return what they did, or raise the first failure."""
    turns, failed = Semaphore(width), Event()

    def in_turn(call: Callable[[], T]) -> T:
        with turns:
            if failed.is_set():
                raise CancelledError
            try:
                return call()
            except BaseException:
                failed.set()
                raise

    def of(call: Callable[[], T]) -> Callable[[], T]:
        return lambda: in_turn(call)

    futures = [start(of(call)) for call in calls]
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in done:
        error = future.exception()
        if error is not None and not isinstance(error, CancelledError):
            raise error
    return [future.result() for future in futures]
