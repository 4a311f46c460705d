"""Holds: what a change of an existing cluster waits for.

The hold of a wave is empty if nothing waits. A wave that failed in this run, or was skipped, is
`STOPPED` to later waves: they stay as they are, and nothing is recorded about them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from pulumi.runtime.rpc import contains_unknowns

# `for` is a keyword.
Hold = TypedDict("Hold", {"until": str, "for": list[str], "stopped": bool}, total=False)
Hold.__doc__ = "`until` (ISO 8601) the clusters in `for` must stay healthy; or `stopped`; or empty."

STOPPED: Hold = {"stopped": True}


def strongest(held_by: object) -> Hold:
    """Return the hold that counts: that of a stopped wave, or the longest; {} if there is none.

    In a preview an unknown hold counts as none.
    """
    holds: list[Hold] = held_by if isinstance(held_by, list) else []
    known = [hold for hold in holds if not contains_unknowns(hold)]
    return STOPPED if any(map(is_stopped, known)) else longest(known)


def longest(holds: Iterable[Hold]) -> Hold:
    """Return the hold that ends last; {} if there is none."""
    lasting = [hold for hold in holds if "until" in hold]
    none: Hold = {}
    return max(lasting, key=lambda hold: datetime.fromisoformat(hold["until"]), default=none)


def is_stopped(hold: Hold) -> bool:
    """Whether an earlier wave failed, so it is unknown how long this one waits."""
    return hold.get("stopped", False)


def heading(hold: Hold) -> str:
    """Say when the listed changes are made."""
    if not hold:
        return "planned changes:"
    until = datetime.fromisoformat(hold["until"])
    return (
        f"waits until {until:%Y-%m-%d %H:%M:%S} UTC, as long as {', '.join(hold['for'])} must "
        "stay healthy; `up` will then continue with:"
    )
