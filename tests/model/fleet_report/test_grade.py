"""Grades: what costs what, that nothing costs more than its maximum, and what was not read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from model.capacity.fleet import of_cluster
from model.capacity.reading import ClusterReading
from model.cis.report import Summary
from model.consistency.report import State as Different
from model.fleet_report.differences import Differences, DifferentItem, DifferentValue
from model.fleet_report.grade import COSTS, GRADES, ClusterGrade, Findings, grades, letter
from model.fleet_report.reduced import (
    CertificateDate,
    CertificateDates,
    CisOverview,
    FailedItem,
    SavedClusters,
)
from model.fleet_report.room import ClusterRoom, FleetRoom, LossRoom, WorkloadCounts
from model.pki.ledger import MissingFile, RenewalFailure, Status, Token
from model.report import MachineEntry
from model.status.condition import Condition, Severity
from model.status.fleet import ClusterStatus, Count

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def cluster(name: str = "one", *reasons: tuple[Severity, str], **more: Any) -> ClusterStatus:
    conditions = [
        Condition(cluster=name, severity=severity, reason=reason, message="m")
        for severity, reason in reasons
    ]
    return ClusterStatus(name=name, **{"reachable": True, "conditions": conditions, **more})


def grade(found: ClusterStatus, **findings: Any) -> ClusterGrade:
    (only,) = grades([found], Findings(**findings), {})
    return only


def costs(found: ClusterGrade) -> dict[str, int]:
    return {each.code: each.points for each in found.reasons}


def test_a_cluster_without_findings_has_the_best_grade() -> None:
    found = grade(cluster(control_planes=Count(ready=3, total=3), kubelet_versions=["v1.36.3"]))
    assert (found.grade, found.points, found.reasons) == ("A", 100, ())


def test_no_clusters_have_no_grades() -> None:
    assert grades([], Findings(), {}) == ()


@pytest.mark.parametrize(
    ("points", "expected"),
    [(100, "A"), (90, "A"), (89, "B"), (75, "B"), (74, "C"), (59, "D"), (44, "E"),
     (29, "F"), (0, "F")],
)  # fmt: skip
def test_the_limits_of_grades(points: int, expected: str) -> None:
    assert letter(points) == expected
    assert [least for _, least in GRADES] == sorted((each for _, each in GRADES), reverse=True)


def certificate(kind: Any, status: Status) -> CertificateDate:
    return CertificateDate(
        cluster="one", name="apiserver", kind=kind, expires=NOW, status=status, count=1
    )


def registered(status: Status) -> CertificateDates:
    """The token with which Argo CD reaches the cluster."""
    token = Token(
        cluster="one", tool="argocd", secret="hub/argocd/one", not_before=NOW, not_after=NOW,
        status=status,
    )  # fmt: skip
    return CertificateDates(from_machines=True, tokens=(token,))


def differing(*states: Different) -> Differences:
    """An item for each of the states, which the cluster's value is."""
    items = tuple(
        DifferentItem(
            area="kubelet", item=f"field{index}", most="1", agree=1, of=2,
            values=(DifferentValue(value="2", declared=None, state=state, fields=(),
                                   clusters=("one",), nodes=0),),
        )
        for index, state in enumerate(states)
    )  # fmt: skip
    return Differences(clusters=2, compared=9, is_declared=True, items=items)


def lost(kind: Any, *, fits: bool = False) -> LossRoom:
    return LossRoom(kind=kind, name="n", fits=fits, moved_pods=1, lacking=("cpu",), unplaced_pods=1)


def room(**values: Any) -> FleetRoom:
    nothing = of_cluster(ClusterReading("one"), 20).figures
    plain = {"figures": nothing, "usage_unknown": "", "pending_pods": 0, "losses": (), "pools": (),
             "workloads": WorkloadCounts(total=0, none=0, over=0, under=0)}  # fmt: skip
    found = ClusterRoom.model_validate({"cluster": "one", **plain, **values})
    return FleetRoom(reserve_percent=20, figures=nothing, clusters=(found,))


CASES: dict[str, tuple[ClusterStatus, dict[str, Any]]] = {
    "unreachable": (cluster(reachable=False), {}),
    "outage": (cluster("one", (Severity.ERROR, "NotReady")), {}),
    "warning": (cluster("one", (Severity.WARNING, "AddOnNotReady")), {}),
    "drift": (cluster("one", (Severity.WARNING, "HostDrift")), {}),
    "not-declared": (cluster(), {"differences": differing(Different.NOT_DECLARED)}),
    "odd": (cluster(), {"differences": differing(Different.ODD)}),
    "no-room-node": (cluster(), {"capacity": room(losses=(lost("Node"),))}),
    "no-room-zone": (cluster(), {"capacity": room(losses=(lost("zone"),))}),
    "pods-pending": (cluster(), {"capacity": room(pending_pods=7)}),
    "token-expired": (cluster(), {"certificates": registered(Status.EXPIRED)}),
    "token-expiring": (cluster(), {"certificates": registered(Status.EXPIRING)}),
    "single-control-plane": (cluster(control_planes=Count(ready=1, total=1)), {}),
    "mixed-versions": (cluster(kubelet_versions=["v1", "v2"]), {}),
    "exception": (cluster(exceptions=["security.x is none: m"]), {}),
    "certificate-expired": (
        cluster(),
        {
            "certificates": CertificateDates(
                from_machines=True, dates=(certificate("leaf", Status.EXPIRED),)
            )
        },
    ),
    "certificate-expiring": (
        cluster(),
        {
            "certificates": CertificateDates(
                from_machines=True, dates=(certificate("authority", Status.EXPIRING),)
            )
        },
    ),
    "certificate-missing": (
        cluster(),
        {
            "certificates": CertificateDates(
                from_machines=True,
                missing=(MissingFile(cluster="one", node="n", name="x", path="/x", users=()),),
            )
        },
    ),
    "renewal-failed": (
        cluster(),
        {
            "certificates": CertificateDates(
                from_machines=True,
                failures=(RenewalFailure(cluster="one", node="n", subject="run", reason="r"),),
            )
        },
    ),
    "backup-overdue": (
        cluster(),
        {"backups": SavedClusters(overdue=(MachineEntry(cluster="one", node="n"),))},
    ),
    "backup-corrupt": (
        cluster(),
        {"backups": SavedClusters(corrupt=(MachineEntry(cluster="one", node="n"),))},
    ),
    "cis": (
        cluster(),
        {
            "cis": CisOverview(
                benchmark="2",
                clusters=(Summary(cluster="one", passed=1, failed=1, manual=0, unknown=0),),
                failed=(
                    FailedItem(item="1.1.1", title="t", remedy="r", clusters=("one",), nodes=1),
                ),
            )
        },
    ),
}


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: cost.code)
def test_each_finding_costs_what_the_scale_says(cost: Any) -> None:
    found, findings = CASES[cost.code]
    assert costs(grade(found, **findings)) == {cost.code: cost.points}
    other = found.model_copy(update={"name": "two", "conditions": [], "reachable": True,
                                     "control_planes": None, "kubelet_versions": [],
                                     "exceptions": []})  # fmt: skip
    assert grade(other, **findings).points == 100, "what another cluster has costs nothing"


def test_alike_findings_are_one_and_many_cost_no_more_than_the_maximum() -> None:
    same = [(Severity.WARNING, "NotReady")] * 10
    assert costs(grade(cluster("one", *same))) == {"warning": 10}
    different = [(Severity.WARNING, f"Reason{index}") for index in range(10)]
    found = grade(cluster("one", *different))
    assert costs(found) == {"warning": 30}
    (reason,) = found.reasons
    assert (reason.count, len(reason.what)) == (10, 6)


def test_a_difference_on_machines_is_no_warning_and_counts_once() -> None:
    same = [(Severity.WARNING, "HostDrift")] * 10
    found = grade(cluster("one", *same, (Severity.WARNING, "DiskFull")))
    assert costs(found) == {"drift": 5, "warning": 10}


def test_what_fits_and_what_has_no_majority_costs_nothing() -> None:
    fitting = room(losses=(lost("Node", fits=True), lost("zone", fits=True)))
    assert grade(cluster(), capacity=fitting).points == 100
    assert grade(cluster(), differences=differing(Different.SPLIT)).points == 100
    many = differing(*[Different.ODD] * 40, *[Different.NOT_DECLARED] * 40)
    assert costs(grade(cluster(), differences=many)) == {"not-declared": 20, "odd": 10}


def test_points_are_never_below_zero_and_a_note_costs_nothing() -> None:
    errors = [(Severity.ERROR, "A"), (Severity.ERROR, "B"), (Severity.ERROR, "APIUnreachable")]
    found = grade(cluster("one", *errors, reachable=False))
    assert (found.points, found.grade) == (0, "F")
    assert costs(found) == {"unreachable": 100, "outage": 80}, "the API counts once"
    assert grade(cluster("one", (Severity.INFO, "EtcdUnknown"))).points == 100


def test_a_kubeconfig_that_ends_is_no_finding() -> None:
    dates = CertificateDates(from_machines=True, dates=(certificate("kubeconfig", Status.EXPIRED),))
    assert grade(cluster(), certificates=dates).points == 100


def test_the_worst_is_first_and_equal_ones_are_in_the_order_of_names() -> None:
    clusters = [
        cluster("c10"), cluster("c9"), cluster("bad", (Severity.ERROR, "NotReady"))
    ]  # fmt: skip
    for order in (clusters, clusters[::-1]):
        found = grades(order, Findings(), {"c9": ("cis",)})
        assert [each.cluster for each in found] == ["bad", "c9", "c10"]
        assert [each.unread for each in found] == [(), ("cis",), ()]


def test_the_costs_are_a_scale() -> None:
    assert len({cost.code for cost in COSTS}) == len(COSTS)
    assert all(0 < cost.points <= cost.most <= 100 for cost in COSTS)
