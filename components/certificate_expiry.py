"""When the certificates of a cluster expire: the soonest for the stack's outputs, warnings of CAs.

Both are of the last `up` or `refresh`: they change no resource, and `fleet certs` reads what is on
the machines now.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict

import pulumi

from model.pki import certificates
from ops.rollout.observed import MachineSummary


class SoonestExpiry(TypedDict):
    """The certificate of a cluster that expires first; `node` is "" for that of an add-on."""

    expires: str
    certificate: str
    node: str


def soonest(found: Mapping[str, MachineSummary], served: Mapping[str, str]) -> SoonestExpiry | None:
    """Return the soonest expiry in a cluster, or None if no machine was read.

    `served` are the certificates of add-ons (PEM) by name; "" if the run could not issue one.
    """
    known: list[SoonestExpiry] = [
        {"expires": machine["expires"], "certificate": machine["certificate"], "node": name}
        for name, machine in found.items()
        if "expires" in machine
    ]
    if not known:
        return None
    known += [
        {"expires": certificates.expiry(pem).isoformat(), "certificate": name, "node": ""}
        for name, pem in served.items()
        if pem
    ]
    return min(known, key=lambda entry: datetime.fromisoformat(entry["expires"]))


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
