"""Waiting for a condition: each wait has a deadline, and its error says what was waited for.

Use a wait only if nothing else can signal the end. Its check raises `NotYet` with the current
status, so that after a timeout the operator sees the last one.
"""

from collections.abc import Callable
from typing import TypeVar

import tenacity

from ops.errors import text_of
from ops.interruption import Interrupted, is_requested

POLL_SECONDS = 0.5

Found = TypeVar("Found")


class NotYet(Exception):
    """The condition does not hold yet; the text describes the current status."""


def wait_until(
    check: Callable[[], Found],
    seconds: float,
    failure: Callable[[str], Exception],
    *,
    passing: tuple[type[Exception], ...] = (),
    poll_seconds: float = POLL_SECONDS,
    stops: str = "",
) -> Found:
    """Call `check` until it returns, at least once, and return its result.

    It retries after NotYet and after the errors in `passing`; every other error ends the wait.
    After `seconds` it raises `failure` with the last error's text. A wait that `stops` when the run
    is interrupted raises Interrupted then, with that text of what was not waited for.
    """

    def attempt() -> Found:
        if stops and is_requested():
            raise Interrupted(f"interrupted: {stops}")
        return check()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((NotYet, *passing)),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(poll_seconds),
    )
    try:
        return retrying(attempt)
    except tenacity.RetryError as late:
        error = late.last_attempt.exception()
        assert error is not None, "the last attempt failed"
        raise failure(text_of(error)) from None
