"""Progress lines: start, heartbeat, and duration of a build."""

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
    """Report the start, that it is still running, and the duration at the end."""
    say(f"{what} ...")
    began = time.monotonic()
    over = Event()

    def remind() -> None:
        while not over.wait(remind_seconds):
            say(f"{what}: still running ({time.monotonic() - began:.0f} s)")

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
