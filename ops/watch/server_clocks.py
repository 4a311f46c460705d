"""The clocks of several API servers, compared with that of the one that answers.

Each API server renews a lease of its own every 10 seconds, with its own time. The heartbeat reads
them: what was renewed between two answers was so between the times of these answers. Each renewal
narrows the difference down to what all of them allow.
https://kubernetes.io/docs/concepts/architecture/leases/#api-server-identity
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from model.status import clocks

PREFIX, HOSTNAME = "apiserver-", "kubernetes.io/hostname"
# `Date` is cut off to seconds.
CUT_OFF = timedelta(seconds=1)
# Who did not renew it for so long does not run.
ENDED = timedelta(seconds=60)


@dataclass
class _Server:
    """A lease as it was last read; a renewal comes after `read`, in the time of who answers."""

    renewed: str
    changed: datetime
    read: datetime
    least: float | None = None
    most: float | None = None


class ServerClocks:
    """By how many seconds clocks of API servers are ahead, by Node, in `found`.

    It is 0 where the difference is not certain to be too large.
    """

    def __init__(self) -> None:
        self._servers: dict[str, _Server] = {}
        self.found: Mapping[str, float] = {}

    def read(self, leases: Iterable[Mapping[str, Any]], now: datetime, took: timedelta) -> bool:
        """Take an answer that shows this time, or at most so much later; return what is new.

        Raises what malformed leases raise: KeyError, TypeError, ValueError, AttributeError.
        """
        seen = set()
        for lease in leases:
            metadata = lease["metadata"]
            if not metadata["name"].startswith(PREFIX):
                continue
            name = str((metadata.get("labels") or {}).get(HOSTNAME) or metadata["name"])
            seen.add(name)
            self._take(name, str(lease["spec"]["renewTime"]), now, now + took + CUT_OFF)
        self._servers = {
            name: each
            for name, each in self._servers.items()
            if name in seen and now - each.changed < ENDED
        }
        former, self.found = (
            self.found,
            {
                name: _certain(each.least, each.most)
                for name, each in self._servers.items()
                if each.least is not None and each.most is not None
            },
        )
        return former != self.found

    def _take(self, name: str, renewed: str, now: datetime, latest: datetime) -> None:
        server = self._servers.get(name)
        if server is None:
            self._servers[name] = _Server(renewed, now, now)
            return
        if server.renewed != renewed:
            time = datetime.fromisoformat(renewed)
            least = (time - latest).total_seconds()
            most = (time - server.read).total_seconds()
            if server.least is not None and server.most is not None:
                narrow = max(least, server.least), min(most, server.most)
                # Otherwise a clock was set since, or another API server answers.
                least, most = narrow if narrow[0] <= narrow[1] else (least, most)
            server.least, server.most = least, most
            server.renewed, server.changed = renewed, now
        server.read = now


def _certain(least: float, most: float) -> float:
    return float(round((least + most) / 2)) if least > clocks.LIMIT or most < -clocks.LIMIT else 0.0
