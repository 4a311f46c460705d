"""Waiting for a named condition, with a deadline."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def await_true(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return when the condition holds; fail after `seconds`, saying what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(POLL_SECONDS)
