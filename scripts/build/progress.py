"""Lines for a person who waits: what is being made, that it still goes on, how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

REMIND_SECONDS = 30.0


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def task(what: str, remind_seconds: float = REMIND_SECONDS) -> Iterator[None]:
    """Say what begins, that it still goes on, and how long it took when it is done."""
    say(f"{what} ...")
    began = time.monotonic()
    over = Event()

    def remind() -> None:
        while not over.wait(remind_seconds):
            say(f"{what}: goes on, {time.monotonic() - began:.0f} s so far")

    reminder = Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    finally:
        over.set()
        reminder.join()
    say(f"{what}: {time.monotonic() - began:.1f} s")


def megabytes(size: int) -> str:
    """Return a size in bytes as a person reads it."""
    return f"{size / 1e6:.0f} MB"
