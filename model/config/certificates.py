"""Lifetimes of certificates."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from model.config.durations import duration, parse_seconds
from model.config.strict import Strict

# A certificate is renewed in its last third, and its readers read it again within five minutes.
SHORTEST_RENEWED = "20m"
SHORTEST_ADMIN = "10m"
# Longer ones would end after the last year that dates can express.
LONGEST = "36500d"

LEAVES = "365d"
KUBELET_SERVING = "1095d"
AUTHORITIES = "3650d"
ADMIN = "24h"
WARN_BEFORE = "365d"


def _from(shortest: str, problem: str) -> Callable[[int], None]:
    """Return a check that a lifetime is at least this long; `problem` is that of a shorter one."""

    def check(seconds: int) -> None:
        if seconds < parse_seconds(shortest):
            raise ValueError(problem)
        if seconds > parse_seconds(LONGEST):
            raise ValueError(f"longer than {LONGEST}")

    return check


Renewed = Annotated[
    int | str,
    duration(
        f"from {SHORTEST_RENEWED} to {LONGEST}",
        "90d",
        _from(
            SHORTEST_RENEWED,
            "not every reader would notice a renewal before the former certificate expires, since "
            "it is renewed in its last third and may be read again only after 5 minutes",
        ),
        least=parse_seconds(SHORTEST_RENEWED),
    ),
]
Admin = Annotated[
    int | str,
    duration(
        f"from {SHORTEST_ADMIN} to {LONGEST}",
        "8h",
        _from(SHORTEST_ADMIN, f"shorter than {SHORTEST_ADMIN}: it would expire during its use"),
        least=parse_seconds(SHORTEST_ADMIN),
    ),
]
WarnBefore = Annotated[int | str, duration(f"at most {LONGEST}", "180d", _from("0", ""))]


class Certificates(Strict):
    """How long certificates are valid: in seconds, or with the unit s, m, h or d."""

    leaves: Renewed | None = Field(
        None,
        description="Certificates of the control plane's components, and the client certificates "
        f"of kubelets (default {LEAVES}). Control planes renew them in their last third.",
    )
    kubelet_serving: Renewed | None = Field(
        None,
        description="Server certificates of kubelets and of metrics-server, renewed by any `fleet "
        f"up` in their last third (default {KUBELET_SERVING}).",
    )
    authorities: Renewed | None = Field(
        None,
        description=f"CAs, from their creation (default {AUTHORITIES}). Existing ones keep theirs.",
    )
    admin: Admin | None = Field(
        None,
        description="The administrator's certificate in the kubeconfig, renewed by any `fleet up` "
        f"in its last third and by `fleet kubeconfig` (default {ADMIN}).",
    )
    warn_before: WarnBefore | None = Field(
        None, description=f"How long before its expiry a CA is reported (default {WARN_BEFORE})."
    )
