"""Durations in the config: a number of seconds, or a number with a unit."""

import re
from collections.abc import Callable

from model.config.field import ScalarField

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
PATTERN = r"\d{1,9}[smhd]?"
FORM = "seconds, or a number with the unit s, m, h or d"


def parse_seconds(value: int | str) -> int:
    """Return the seconds of 90, "90", "90s", "5m", "2h" or "365d"; raise ValueError otherwise."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", str(value))
    if match is None:
        raise ValueError("not a duration")
    return int(match[1]) * SECONDS[match[2]]


def duration(
    limits: str, example: str, check: Callable[[int], None], *, least: int = 0
) -> ScalarField:
    """A field for durations within `limits`; `check` raises ValueError for other seconds."""

    def checked(value: int | str) -> int | str:
        check(parse_seconds(value))
        return value

    return ScalarField(
        "a duration",
        f"{FORM}; {limits}",
        example,
        (int, str),
        check=checked,
        schema={"pattern": f"^{PATTERN}$", **({"minimum": least} if least else {})},
    )
