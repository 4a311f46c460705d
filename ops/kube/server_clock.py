"""The time of an API server, as its answers have it: that of this host may be another one."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# Answers that took longer say too little about the difference of clocks.
LONGEST_SECONDS = 3.0
# `Date` is cut off to seconds.
CUT_OFF = 0.5


class ServerClock:
    """What an API server's clock shows; this host's time until it has answered.

    `host_ahead` is by how many seconds this host's clock is ahead of it, exact to two seconds; None
    until that is known. An answer that is late, or that this host took late, does not change it.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()
        self.host_ahead: float | None = None

    def heard(self, date: str, seconds: float | None = None) -> None:
        """Take the header `Date` of an answer ("": it has none), which is to the second.

        The request was sent so many seconds ago, None if that is not known.
        """
        try:
            time = parsedate_to_datetime(date)
        except (ValueError, TypeError, IndexError, OverflowError):
            return
        if time.tzinfo is None:
            return
        self._ahead = time - datetime.now(UTC)
        if seconds is not None and seconds <= LONGEST_SECONDS:
            self.host_ahead = -self._ahead.total_seconds() - seconds / 2 - CUT_OFF

    def now(self) -> datetime:
        """Return its time."""
        return datetime.now(UTC) + self._ahead
