"""Waiting for a condition."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.02)
