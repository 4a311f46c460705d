"""What is so young that it may still be starting: that is information, not a problem.

A run ends before all of what it has made is in use: metrics-server has measured nothing yet, and a
machine's timer has not reported. The age is that of the thing itself, from its first creation: what
an edit or a crash makes unready later is a problem immediately. Both times are the cluster's: the
clock of the host that asks may be off.
"""

from datetime import datetime, timedelta

from model.plural import counted
from model.status import reasons
from model.status.condition import Condition, Severity

# Image, process, first measurement and the API servers' notice of it together, on a busy host.
LIMIT = timedelta(minutes=2)
# API servers' clocks may differ by so much: one has created what another one is asked about.
SKEW = timedelta(seconds=10)
ADVICE = f"normal until it is {counted(int(LIMIT.total_seconds()) // 60, 'minute')} old"


def is_starting(created: datetime | None, now: datetime) -> bool:
    """Whether something of this age may still be starting; not if its age is unknown.

    What was created in the future says that a clock is off, and nothing about an age.
    """
    if created is None or created.tzinfo is None:
        return False
    return -SKEW <= now - created < LIMIT


def judged(condition: Condition, created: datetime | None, now: datetime) -> Condition:
    """Return a condition of something: as information, since it exists, if it may be starting."""
    if not is_starting(created, now):
        return condition
    return condition.model_copy(
        update={
            "severity": Severity.INFO,
            "reason": reasons.STARTING,
            "since": created,
            "message": f"starting: {condition.message}; {ADVICE}",
        }
    )
