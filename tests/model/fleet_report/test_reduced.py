"""What a report keeps of documents about single machines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from model.audit.report import AuditEvent
from model.backups import Backups, KeptSnapshot
from model.cis.item import State
from model.cis.report import Report, Result, Summary
from model.fleet_report import assembly
from model.fleet_report.assembly import Read
from model.fleet_report.document import FleetReport, SourceName, SourceState
from model.fleet_report.highlights import SHOWN, highlights
from model.fleet_report.reduced import of_api_servers, of_backups, of_cis, of_ledger
from model.fleet_report.versions import versions
from model.pki.ledger import Certificate, Ledger, Status
from model.status.fleet import Certificate as Shown
from model.status.fleet import ClusterStatus, FleetStatus, NodeStatus

NOW = datetime(2026, 11, 27, tzinfo=UTC)
DAY = timedelta(days=1)


def certificate(node: str, days: int, fingerprint: str, status: Status, name: str = "ca") -> Any:
    return Certificate(
        cluster="one", node=node, name=name, kind="authority", paths=(), subject="", issuer="",
        authority="", serial_number="", fingerprint=fingerprint, names=(), not_before=NOW,
        not_after=NOW + days * DAY, status=status,
    )  # fmt: skip


def test_copies_of_a_certificate_are_one_and_the_worst_counts() -> None:
    entries = (
        certificate("a", 10, "x", Status.VALID),
        certificate("b", 10, "x", Status.VALID),
        certificate("c", 2, "y", Status.EXPIRING),
        certificate("c", 99, "z", Status.VALID, "other"),
    )
    for order in (entries, entries[::-1]):
        first, other = of_ledger(Ledger(time=NOW, certificates=order)).dates
        assert (first.count, first.expires, first.status) == (2, NOW + 2 * DAY, Status.EXPIRING)
        assert (other.name, other.count) == ("other", 1)
    assert of_ledger(Ledger(time=NOW)).dates == ()


def test_an_api_shows_its_own_certificate() -> None:
    clusters = [
        ClusterStatus(
            name=name,
            reachable=True,
            certificate=Shown(subject="API server", expires=NOW + days * DAY),
        )
        for name, days in (("late", 200), ("soon", 3), ("gone", -1))
    ]
    found = of_api_servers([*clusters, ClusterStatus(name="silent", reachable=False)], NOW)
    assert [(each.cluster, each.status) for each in found.dates] == [
        ("gone", Status.EXPIRED),
        ("soon", Status.VALID),
        ("late", Status.VALID),
    ]


def kept(cluster: str, days: float, state: Any = "kept") -> KeptSnapshot:
    return KeptSnapshot(cluster=cluster, node="n", name="x", taken=NOW - days * DAY,
                        size_bytes=7, state=state)  # fmt: skip


def test_the_newest_sound_snapshot_counts_and_the_oldest_of_these_is_first() -> None:
    snapshots = (kept("one", 1), kept("one", 0.1, "corrupt"), kept("two", 3), kept("two", -9))
    found = of_backups(Backups(time=NOW, snapshots=snapshots), ["one", "two", "three"])
    assert [(each.cluster, each.taken, each.snapshots) for each in found.clusters] == [
        ("three", None, 0),
        ("two", NOW - 3 * DAY, 2),
        ("one", NOW - DAY, 2),
    ]
    assert [each.cluster for each in found.corrupt] == ["one"]


def _judged(cluster: str, *items: tuple[str, str, State]) -> Report:
    results = tuple(
        Result(cluster=cluster, node=node, item=item, title="t", level="automated", state=state,
               found="f", remedy="r")
        for node, item, state in items
    )  # fmt: skip
    counts = Summary(cluster=cluster, passed=1, failed=1, manual=0, unknown=0)
    return Report(time=NOW, benchmark="2", clusters=(counts,), results=results)


def test_items_that_fail_are_counted_over_clusters() -> None:
    found = of_cis(
        [
            _judged("b", ("n", "1.1.10", State.FAIL), ("n", "1.1.2", State.FAIL)),
            _judged("a", ("n", "1.1.10", State.FAIL), ("m", "1.1.10", State.FAIL),
                    ("n", "1.1.2", State.PASS), ("", "5.1.1", State.FAIL)),
        ]
    )  # fmt: skip
    assert [(each.item, each.clusters, each.nodes) for each in found.failed] == [
        ("1.1.2", ("b",), 1),
        ("1.1.10", ("a", "b"), 3),
        ("5.1.1", ("a",), 0),
    ]
    assert [each.cluster for each in found.clusters] == ["b", "a"]


def event(user: str, minute: int, **more: Any) -> AuditEvent:
    values: dict[str, Any] = dict.fromkeys(
        ("audit_id", "impersonated_user", "subresource", "namespace", "name", "api_group",
         "api_version", "message", "decision", "container", "user_agent", "uri"), ""
    )  # fmt: skip
    values |= {"cluster": "one", "node": "n", "ended": None, "verb": "get", "resource": "secrets",
               "code": 200, "changed_fields": (), "command": (), "source_ips": ()}  # fmt: skip
    time = NOW + timedelta(minutes=minute)
    return AuditEvent(**{**values, "user": user, "time": time, **more})


def test_requests_are_counted_by_user_and_the_last_is_the_example() -> None:
    events = [
        ("denied", event("hana", 2, name="b", namespace="n")),
        ("denied", event("hana", 1, name="a", namespace="n")),
        ("denied", event("root", 3, impersonated_user="ken")),
        ("exec", event("hana", 3, verb="create", resource="pods", subresource="exec")),
    ]
    for order in (events, events[::-1]):
        found = highlights(order, NOW, is_truncated=False)
        assert [(each.question, each.user, each.requests, each.example)
                for each in found.highlights] == [
            ("denied", "hana", 2, "get secrets n/b"),
            ("denied", "ken", 1, "get secrets"),
            ("exec", "hana", 1, "create pods/exec"),
        ]  # fmt: skip
        assert [(each.question, each.requests) for each in found.totals] == [
            ("denied", 3),
            ("exec", 1),
        ]


def test_clients_do_not_decide_how_large_a_report_is() -> None:
    events = [("denied", event(f"user-{index}", 0)) for index in range(SHOWN + 50)]
    found = highlights(events, NOW, is_truncated=True)
    assert len(found.highlights) == SHOWN
    assert found.totals[0].requests == SHOWN + 50


def test_versions_count_nodes_and_the_most_used_is_first() -> None:
    nodes = [NodeStatus(name=str(index), roles=[], ready=True, version="v1") for index in range(3)]
    one = ClusterStatus(name="one", reachable=True, version="v1", nodes=nodes)
    two = ClusterStatus(name="two", reachable=False, version="v2", kubelet_versions=["v2"])
    found = [(each.component, each.version, each.count, each.clusters) for each in
             versions([two, one])]  # fmt: skip
    assert found == [
        ("API server", "v1", 1, ("one",)),
        ("API server", "v2", 1, ("two",)),
        ("kubelet", "v1", 3, ("one",)),
        ("kubelet", "v2", 1, ("two",)),
    ]


def test_a_report_survives_being_written_and_has_no_single_nodes() -> None:
    nodes = [NodeStatus(name="n", roles=[], ready=True)]
    status = FleetStatus(
        time=NOW, clusters=[ClusterStatus(name="one", reachable=True, nodes=nodes)]
    )
    found = assembly.report("dev", NOW, status, Read(), is_stack=False)
    again = FleetReport.model_validate_json(found.model_dump_json(by_alias=True))
    assert again == found
    assert found.status.clusters[0].nodes == []
    assert {each.name: each.state for each in found.sources}[SourceName.CIS] is SourceState.OMITTED


def test_a_fleet_of_which_nothing_could_be_read_is_a_report() -> None:
    status = FleetStatus(time=NOW, clusters=[ClusterStatus(name="one", reachable=False)])
    read = assembly.unread("no key", [SourceName.CIS, SourceName.AUDIT])
    found = assembly.report("dev", NOW, status, read, is_stack=True)
    states = {each.name.value: each.state.value for each in found.sources}
    assert states == {"status": "unread", "cis": "unread", "audit": "unread",
                      "consistency": "omitted", "capacity": "omitted",
                      "certificates": "omitted", "backups": "omitted"}  # fmt: skip
    assert found.grades[0].unread == (
        *("status", "consistency", "capacity", "certificates", "backups", "audit", "cis"),
    )
