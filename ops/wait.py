"""Waiting for a condition: each wait has a deadline, and its end says what was waited for.

A wait belongs where nothing else can say when it is over. Its check raises `NotYet` with how things
are, so that an operator who waited in vain reads the last of it.
"""

from collections.abc import Callable
from typing import TypeVar

import tenacity

POLL_SECONDS = 0.5

Found = TypeVar("Found")


class NotYet(Exception):
    """What is waited for has not come; the text says how things are instead."""


def wait_until(
    check: Callable[[], Found],
    seconds: float,
    failure: Callable[[str], Exception],
    *,
    passing: tuple[type[Exception], ...] = (),
    poll_seconds: float = POLL_SECONDS,
) -> Found:
    """Call `check` until it returns, at least once, and return what it returns.

    It goes on after NotYet and after the errors in `passing`; every other error ends the wait.
    After `seconds` it raises `failure` of the last error's text.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((NotYet, *passing)),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_fixed(poll_seconds),
    )
    try:
        return retrying(check)
    except tenacity.RetryError as late:
        error = late.last_attempt.exception()
        raise failure(str(error) or type(error).__name__) from None
