"""Grades: what costs what, that nothing costs more than its maximum, and what was not read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from model.cis.report import Summary
from model.fleet_report.grade import COSTS, GRADES, ClusterGrade, Findings, grades, letter
from model.fleet_report.reduced import (
    CertificateDate,
    CertificateDates,
    CisOverview,
    FailedItem,
    SavedClusters,
)
from model.pki.ledger import MissingFile, RenewalFailure, Status
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


CASES: dict[str, tuple[ClusterStatus, dict[str, Any]]] = {
    "unreachable": (cluster(reachable=False), {}),
    "outage": (cluster("one", (Severity.ERROR, "NotReady")), {}),
    "warning": (cluster("one", (Severity.WARNING, "AddOnNotReady")), {}),
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
