"""Durations in kubectl's format: 30s, 10m, 1h30m, 2d."""

import re

import click

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?=\d)" + "".join(rf"(?:(\d+){unit})?" for unit in _UNITS))


class Duration(click.ParamType[int]):
    """A duration, as a number of seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number of seconds; reject anything else."""
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not a duration such as 30s, 10m or 1h30m", param, ctx)
        counts = zip(match.groups(default="0"), _UNITS.values(), strict=True)
        return sum(int(count) * seconds for count, seconds in counts)
