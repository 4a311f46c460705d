"""Changes between two reports: what began, what ended, and what is only not known."""

from datetime import UTC, datetime
from typing import Any

from model.cis.report import Summary
from model.consistency.report import State
from model.fleet_report import assembly
from model.fleet_report.assembly import Read
from model.fleet_report.changes import changes
from model.fleet_report.compared import Compared
from model.fleet_report.differences import Differences, DifferentItem, DifferentValue
from model.fleet_report.document import FleetReport, Source, SourceName, SourceState
from model.fleet_report.reduced import CisOverview, FailedItem
from model.report import Unreadable
from model.status.condition import Condition, Ready, Severity
from model.status.fleet import ClusterStatus, Count, FleetStatus

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def cluster(name: str = "one", *reasons: str, **more: Any) -> ClusterStatus:
    conditions = [
        Condition(cluster=name, severity=Severity.WARNING, reason=reason, message="m")
        for reason in reasons
    ]
    return ClusterStatus(
        name=name, **{"reachable": True, "version": "v1", "conditions": conditions, **more}
    )


def report(*clusters: ClusterStatus, read: Read | None = None, conditions: Any = ()) -> FleetReport:
    status = FleetStatus(time=NOW, clusters=list(clusters), conditions=list(conditions))
    return assembly.report("dev", NOW, status, read or Read(), is_stack=True)


def found(before: FleetReport, after: FleetReport, **more: Any) -> list[tuple[Any, ...]]:
    return [(each.cluster, each.kind, each.before, each.after, each.is_better)
            for each in changes(before, after, **more)]  # fmt: skip


def test_the_same_fleet_has_not_changed() -> None:
    same = report(cluster("one", "NotReady", exceptions=["x is y: z"]), cluster("two"))
    assert found(same, same) == []
    assert found(report(), report()) == []


def test_clusters_come_and_go() -> None:
    one, two = report(cluster("one")), report(cluster("one"), cluster("two"))
    assert found(one, two) == [("two", "cluster", "", "two", None)]
    assert found(two, one) == [("two", "cluster", "two", "", None)]
    assert found(two, one, asked=["one"]) == [], "it was not asked"


def test_what_began_in_one_direction_has_ended_in_the_other() -> None:
    good = report(cluster(nodes_ready=Count(ready=3, total=3)))
    bad = report(
        cluster("one", "A", "A", "B", nodes_ready=Count(ready=4, total=4), version="v2",
                exceptions=["x is y: z"])
    )  # fmt: skip
    worse = found(good, bad)
    assert worse == [
        ("one", "grade", "A", "B", False),
        ("one", "version", "v1", "v2", None),
        ("one", "nodes", "3", "4", None),
        ("one", "condition", "", "A", False),
        ("one", "condition", "", "B", False),
        ("one", "exception", "", "x is y: z", False),
    ]
    turned = {(name, kind, after, before, {True: False, False: True, None: None}[better])
              for name, kind, before, after, better in worse}  # fmt: skip
    assert set(found(bad, good)) == turned


def test_a_cluster_that_does_not_answer_hides_no_problem() -> None:
    before = report(cluster("one", "NotReady"))
    silent = report(cluster("one", "APIUnreachable", reachable=False, version=""))
    assert [each[1:4] for each in found(before, silent) if each[1] != "grade"] == [
        ("condition", "", "APIUnreachable")
    ]


def test_exceptions_are_not_compared_while_the_file_cannot_be_read() -> None:
    unknown = Condition(
        cluster="",
        ready=Ready.UNKNOWN,
        severity=Severity.WARNING,
        reason="StackFileUnknown",
        message="m",
    )
    before = report(cluster("one", exceptions=["x is y: z"]))
    assert found(before, report(cluster("one"), conditions=[unknown]))[1:] == []


def differing(*items: str, unread: bool = False) -> Compared:
    entries = tuple(
        DifferentItem(
            area="kubelet", item=item, most="1", agree=1, of=2,
            values=(DifferentValue(value="2", declared=None, state=State.ODD, fields=(),
                                   clusters=("one",), nodes=0),),
        )
        for item in items
    )  # fmt: skip
    silent = (Unreadable(cluster="one", node="n", reason="r"),) if unread else ()
    state = SourceState.PARTIAL if unread else SourceState.READ
    return Compared(
        (Source(name=SourceName.CONSISTENCY, state=state, unreadable=silent),),
        Differences(clusters=1, compared=9, is_declared=False, items=entries),
    )


def test_differences_are_compared_where_everything_was_read() -> None:
    def compared(apis: Compared) -> FleetReport:
        status = FleetStatus(time=NOW, clusters=[cluster()])
        return assembly.report("dev", NOW, status, Read(), apis, is_stack=True)

    bad, good = compared(differing("a", "b")), compared(differing("b"))
    assert found(good, bad) == [("one", "difference", "", "kubelet a", False)]
    assert found(bad, good) == [("one", "difference", "kubelet a", "", True)]
    assert found(bad, compared(differing(unread=True))) == []
    assert found(bad, report(cluster())) == []


def _cis(*failed: str, unread: bool = False) -> Read:
    items = tuple(
        FailedItem(item=item, title="t", remedy="r", clusters=("one",), nodes=1) for item in failed
    )
    counts = Summary(cluster="one", passed=9, failed=len(failed), manual=0, unknown=0)
    silent = (Unreadable(cluster="one", node="n", reason="r"),) if unread else ()
    state = SourceState.PARTIAL if unread else SourceState.READ
    return Read(
        sources=(Source(name=SourceName.CIS, state=state, unreadable=silent),),
        cis=CisOverview(benchmark="2", clusters=(counts,), failed=items),
    )


def test_items_of_the_benchmark_are_compared_where_both_were_read() -> None:
    bad, good = report(cluster(), read=_cis("1.1.1")), report(cluster(), read=_cis())
    assert found(bad, good) == [("one", "cis", "1.1.1", "", True)]
    assert found(good, bad) == [("one", "cis", "", "1.1.1", False)]
    assert found(bad, report(cluster(), read=_cis(unread=True))) == []
    assert found(bad, report(cluster())) == []
