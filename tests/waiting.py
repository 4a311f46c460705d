"""Waiting for a named condition, with a deadline."""

import time
from collections.abc import Callable

POLL_SECONDS, LONGEST_POLL_SECONDS = 0.05, 1.0


def await_true(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return when the condition holds; fail after `seconds`, saying what was waited for.

    Half of the time nothing is asked: what is waited for needs the processors too.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < deadline, f"waited {seconds} s for {what}"
        time.sleep(min(max(now - began, POLL_SECONDS), LONGEST_POLL_SECONDS))
