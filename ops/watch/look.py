"""What is known of a watched cluster at one moment, for who asks from another thread."""

from dataclasses import dataclass
from datetime import datetime

from model.watch.finding import Finding
from ops.watch.view import View


@dataclass(frozen=True)
class Look:
    """What is known of a cluster now.

    `is_up`: its API answers. `heard` is when it last did; None: not since the watch began. `view`
    is the last one that was read. `is_writable`: its leaders renew their leases. `problems` are
    what was reported of it, or of this host, and has not ended. `lapses` is how often a machine's
    report could no longer be read.
    """

    cluster: str
    view: View
    is_up: bool
    heard: datetime | None
    is_writable: bool
    problems: tuple[Finding, ...]
    lapses: int
