"""Points in time as options: so long ago, or a date and time with its zone."""

from datetime import UTC, datetime, timedelta

import click

from scripts.fleet.duration import Duration


class Instant(click.ParamType[datetime]):
    """A point in time, in UTC: a duration before now, or RFC 3339."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time; reject anything else, and a time without a zone."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            time = None
        if time is not None and time.tzinfo is None:
            self.fail(f"{value!r} has no time zone: write {value}Z, or {value}+09:00", param, ctx)
        try:
            if time is not None:
                return time.astimezone(UTC)
            ago = timedelta(seconds=Duration().convert(value, param, ctx))
            return datetime.now(UTC) - ago
        except (OverflowError, ValueError):
            self.fail(f"{value!r} is too long ago, or too far in the future", param, ctx)
        except click.BadParameter:
            self.fail(
                f"{value!r} is neither a duration such as 30m, 1h or 7d nor a time such as "
                "2026-11-26T21:00:00Z",
                param,
                ctx,
            )
