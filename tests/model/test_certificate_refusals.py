"""Invalid lifetimes of certificates: path and message of each problem."""

from typing import Any

import pytest

from tests.model.examples import CONTAINER
from tests.model.refusals import Case, check_refused

WHERE = "certificates"


def lifetimes(**given: Any) -> list[tuple[str, Any]]:
    return [(WHERE, given)]


CASES: dict[str, Case] = {
    "a leaf whose renewal is noticed too late": (
        lifetimes(leaves="19m"), f"{WHERE}.leaves", "renewed in its last third",
    ),
    "a serving certificate whose renewal is noticed too late": (
        lifetimes(kubeletServing=60), f"{WHERE}.kubeletServing", "renewed in its last third",
    ),
    "a kubeconfig that expires at once": (
        lifetimes(admin="9m"), f"{WHERE}.admin", "would expire during its use",
    ),
    "centuries": (lifetimes(authorities="36501d"), f"{WHERE}.authorities", "longer than 36500d"),
    "a year": (lifetimes(leaves="1y"), f"{WHERE}.leaves", "not a duration"),
    "years as a number": (lifetimes(leaves=1.5), f"{WHERE}.leaves", "not a duration"),
    "leaves that outlive their CA": (
        [("clusters/cluster1/certificates", {"leaves": "3650d"})],
        "clusters.cluster1.certificates.leaves", "as long as the CA that issues them",
    ),
    "a CA that ends before the defaults": (
        lifetimes(authorities="2000d", kubeletServing="2000d"),
        f"{WHERE}.kubeletServing", "as long as the CA that issues them",
    ),
    "an administrator who outlives the CA": (
        lifetimes(admin="4000d"), f"{WHERE}.admin", "as long as the CA that issues it",
    ),
    "a warning from the first day on": (
        lifetimes(warnBefore="3650d"), f"{WHERE}.warnBefore", "every new CA would be reported",
    ),
    "the controller manager's own flag": (
        [("controllerManager/extraArgs", {"cluster-signing-duration": "1h"})],
        "controllerManager.extraArgs.cluster-signing-duration", "set certificates.leaves instead",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_rejected(case: Case) -> None:
    check_refused(CONTAINER, case)


def test_the_shortest_lifetimes_are_accepted() -> None:
    from model.load import load

    shortest = {
        "leaves": "20m", "kubeletServing": "20m", "authorities": "1h", "admin": "10m",
        "warnBefore": 0,
    }  # fmt: skip
    load({**CONTAINER, "certificates": shortest})
