"""When the certificates of a cluster expire: the soonest for the stack's outputs, warnings of CAs.

Both are of the last `up` or `refresh`: they change no resource, and `fleet certs` reads what is on
the machines now.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import pulumi

from ops.rollout.observed import MachineSummary


class SoonestExpiry(TypedDict):
    """The certificate of a cluster's machines that expires first."""

    expires: str
    certificate: str
    node: str


def soonest(found: Mapping[str, MachineSummary]) -> SoonestExpiry | None:
    """Return the soonest expiry on a cluster's machines, or None if none was read."""
    known: list[SoonestExpiry] = [
        {"expires": machine["expires"], "certificate": machine["certificate"], "node": name}
        for name, machine in found.items()
        if "expires" in machine
    ]
    return min(known, key=lambda entry: entry["expires"], default=None)


def warn_of_authorities(
    cluster: str, expiries: Mapping[str, str], warn_before: timedelta, now: datetime | None = None
) -> None:
    """Warn of each CA, by name, that has less than `warn_before` left."""
    for name, expires in expiries.items():
        left = datetime.fromisoformat(expires) - (now or datetime.now(UTC))
        if left < warn_before:
            when = (
                f"expires on {expires[:10]}"
                if left > timedelta(0)
                else f"expired on {expires[:10]}"
            )
            pulumi.warn(
                f"{cluster}: its CA {name} {when}, and all certificates that it signed with it: "
                "see docs/runbooks/certificates.md"
            )
