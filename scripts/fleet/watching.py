"""Showing something again and again, until Ctrl-C."""

import sys
import time
from collections.abc import Callable

import click

SECONDS = 5.0
# Cursor to the upper left corner, and everything below it erased.
CLEAR = "\x1b[H\x1b[J"


def repeat(show: Callable[[], int], *, again: bool) -> int:
    """Show once, or until Ctrl-C; return the last exit status.

    On a terminal each picture replaces the previous one; elsewhere they follow each other.
    """
    while True:
        if again and sys.stdout.isatty():
            click.echo(CLEAR, nl=False)
        status = show()
        if not again:
            return status
        sys.stdout.flush()
        time.sleep(SECONDS)
