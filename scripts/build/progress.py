"""Progress lines: start, heartbeat, and duration of a build."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

REMIND_SECONDS = 30.0


def say(text: str) -> None:
    """Print a line without buffering."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def task(what: str, remind_seconds: float = REMIND_SECONDS) -> Iterator[None]:
    """Report the start, that it is still running, and the duration at the end."""
    say(f"{what} ...")
    began = time.monotonic()
    finished = Event()

    def remind() -> None:
        while not finished.wait(remind_seconds):
            say(f"{what}: still running ({time.monotonic() - began:.0f} s)")

    reminder = Thread(target=remind, daemon=True)
    reminder.start()
    try:
        yield
    finally:
        finished.set()
        reminder.join()
    say(f"{what}: {time.monotonic() - began:.1f} s")


def megabytes(size: int) -> str:
    """Format a size in bytes as megabytes."""
    return f"{size / 1e6:.0f} MB"
