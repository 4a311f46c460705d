"""The time of an API server, as its answers have it: that of this host may be another one."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


class ServerClock:
    """What an API server's clock shows; this host's time until it has answered."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def heard(self, date: str) -> None:
        """Take the header `Date` of an answer ("": it has none), which is to the second."""
        try:
            time = parsedate_to_datetime(date)
        except (ValueError, TypeError, IndexError, OverflowError):
            return
        if time.tzinfo is not None:
            self._ahead = time - datetime.now(UTC)

    def now(self) -> datetime:
        """Return its time."""
        return datetime.now(UTC) + self._ahead
