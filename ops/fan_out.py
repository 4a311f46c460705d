"""Asking many things at the same time, with one deadline for all of them.

What hangs cannot be stopped: a thread in a connection waits as long as the other side likes. The
threads here are daemons, for which neither the caller nor the end of the process waits; those of
concurrent.futures would hold up both.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Answer(Generic[T, R]):
    """What one target said: `value`, or `error`, which is a `Late` if it has not answered."""

    target: T
    value: R | None = None
    error: Exception | None = None

    @property
    def is_late(self) -> bool:
        """Whether it had not answered at the deadline."""
        return isinstance(self.error, Late)


class Late(Exception):
    """No answer until the deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")


def ask(
    targets: Sequence[T],
    call: Callable[[T], R],
    seconds: float,
    *,
    parallel: int | None = None,
) -> list[Answer[T, R]]:
    """Call with each target; return an answer for each, in their order, after `seconds` at most.

    Without `parallel` each target has a thread, so that none waits behind those that hang. An
    exception of a call is its answer, except for those that end the process.
    """
    pending: queue.SimpleQueue[int] = queue.SimpleQueue()
    answers: queue.SimpleQueue[tuple[int, Answer[T, R]]] = queue.SimpleQueue()
    for index in range(len(targets)):
        pending.put(index)
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                index = pending.get_nowait()
            except queue.Empty:
                return
            answers.put((index, _answer(targets[index], call)))

    deadline = time.monotonic() + seconds
    for _ in range(min(parallel or len(targets), len(targets))):
        threading.Thread(target=work, daemon=True).start()
    found: dict[int, Answer[T, R]] = {}
    while len(found) < len(targets):
        try:
            index, answer = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[index] = answer
    ended.set()
    return [
        found.get(index) or Answer(target, error=Late(seconds))
        for index, target in enumerate(targets)
    ]


def first(targets: Sequence[T], call: Callable[[T], R], seconds: float) -> R | None:
    """Return the first answer that is true, after `seconds` at most; None if there is none."""
    answers: queue.SimpleQueue[R | None] = queue.SimpleQueue()
    for target in targets:
        work = partial(lambda each: answers.put(_answer(each, call).value), target)
        threading.Thread(target=work, daemon=True).start()
    deadline = time.monotonic() + seconds
    for _ in targets:
        try:
            if answer := answers.get(timeout=max(0.0, deadline - time.monotonic())):
                return answer
        except queue.Empty:
            return None
    return None


def begin(call: Callable[[], R]) -> Callable[[float], Answer[None, R]]:
    """Start a call; return a function that waits for its answer, so many seconds at most."""
    answers: queue.SimpleQueue[Answer[None, R]] = queue.SimpleQueue()

    def work() -> None:
        answers.put(_answer(None, lambda _: call()))

    def wait(seconds: float) -> Answer[None, R]:
        try:
            return answers.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return Answer(None, error=Late(seconds))

    threading.Thread(target=work, daemon=True).start()
    return wait


def _answer(target: T, call: Callable[[T], R]) -> Answer[T, R]:
    try:
        return Answer(target, value=call(target))
    except Exception as error:  # One target's failure does not hide the others.
        return Answer(target, error=error)
