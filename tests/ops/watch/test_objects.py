"""What a watch says of objects that a run applied: edited, deleted, applied again."""

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from model.applied_objects import applied_objects, registrations
from model.load import load
from model.object_drift.kinds import KINDS, ONLY
from model.object_drift.loss import completed
from model.object_drift.mark import LABEL, marks
from ops.kube.client import METADATA, WATCHED_METADATA
from ops.kube.resources import path_of
from ops.watch import edits
from tests.model.examples import CONTAINER, SETTINGS
from tests.model.object_drift.marking import marked
from tests.ops.watch.conftest import Begin, Watching
from tests.ops.watch.watched_api import Apis, Cluster

pytestmark = pytest.mark.usefixtures("quick")

AT, LATER = "2026-11-27T09:00:00Z", "2026-11-27T10:00:00Z"
Thing = dict[str, Any]
NAMESPACES = "/api/v1/namespaces"
POLICIES = "/apis/networking.k8s.io/v1/networkpolicies"
ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
SERVICES = f"{NAMESPACES}/kube-system/services"
MAPS = f"{NAMESPACES}/kube-flannel/configmaps"
CALICO = "/apis/crd.projectcalico.org/v1/clusterinformations"
POLICY, SERVICE = "NetworkPolicy kube-system/probe", "Service kube-system/probe"
EDITED, DELETED = f"began ObjectEdited {POLICY}", "began ObjectDeleted"
FIELDS: Thing = {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:a": {}, "f:b": {}}}


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "EDIT_HOLD", 0.5)
    monkeypatch.setattr(edits, "DELETED_HOLD", 1.0)


def document(kind: str, name: str, namespace: str = "") -> Thing:
    inside = {"namespace": namespace} if namespace else {}
    version = next(version for version, each in KINDS if each == kind)
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, **inside}}


PROBE = [
    document("ClusterRole", "probe"),
    document("Service", "probe", "kube-system"),
    document("NetworkPolicy", "probe", "kube-system"),
]
FLANNEL = [
    document("Namespace", "kube-flannel"),
    document("ConfigMap", "flannel", "kube-flannel"),
]


def entry(manager: str, fields: Thing, **others: str) -> Thing:
    found = {"manager": manager, "operation": "Update", "time": LATER, "fieldsV1": fields}
    return {**found, **others}


def applied(documents: list[Thing], *, time: str = AT, is_old: bool = False) -> list[Thing]:
    """The objects after a run applied them, as an API with metadata alone shows them."""
    found = []
    for each, mark in zip(documents, marks(documents), strict=True):
        own = entry("kubeadm-fleet", copy.deepcopy(FIELDS), operation="Apply", time=time)
        live = {"metadata": {**each["metadata"], "managedFields": [own]}}
        text = f"{mark.document}.{mark.siblings}" if is_old else str(completed(mark, live))
        found.append(marked(live, text))
    return found


def path(document: Thing) -> str:
    served = KINDS[document["apiVersion"], document["kind"]]
    namespace = document["metadata"].get("namespace", "") if served.namespaces else ""
    return path_of(document["apiVersion"], served.plural, namespace)


def put(cluster: Cluster, documents: list[Thing], **how: Any) -> None:
    for each, live in zip(documents, applied(documents, **how), strict=True):
        cluster.put(path(each), live)


def edited(change: str = "a", manager: str = "kubectl-edit") -> Thing:
    """The policy after somebody changed a field of it, or ("-a") removed one."""
    live = applied(PROBE)[2]
    entries = live["metadata"]["managedFields"]
    del entries[0]["fieldsV1"]["f:spec"][f"f:{change.removeprefix('-')}"]
    if not change.startswith("-"):
        entries.append(entry(manager, {"f:spec": {f"f:{change}": {}}}))
    return live


def until_read(watch: Watching, name: str = "c") -> None:
    watch.until(lambda: bool(watch.fleet.seen()[name].view.objects))
    watch.until(lambda: not watch.fleet.seen()[name].view.unread_objects)


def test_an_edit_is_told_with_field_and_manager_and_ends_when_it_is_applied_again(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    watch = watching("c")
    until_read(watch)
    cluster.put(POLICIES, edited())
    watch.until_told(EDITED)
    (event,) = watch.events
    assert event.message == (
        "spec.a was edited (by kubectl-edit): repaired by `fleet refresh` and `fleet up`"
    )
    assert (event.kind, event.fix) == ("object", "fleet refresh && fleet up")
    assert event.runbook == "docs/runbooks/drift.md"
    assert event.began == datetime(2026, 11, 27, 10, tzinfo=UTC)
    put(cluster, PROBE)
    watch.until_told(EDITED, EDITED.replace("began", "ended"))


@pytest.mark.parametrize("change", ["a", "-a"], ids=["edited", "removed"])
def test_what_was_edited_before_the_watch_is_told_once(
    apis: Apis, watching: Begin, change: str
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    cluster.put(POLICIES, edited(change))
    watch = watching("c")
    watch.until_told(EDITED)
    if change == "-a":
        assert watch.events[0].message.startswith("fields of it were removed: repaired by")
    watch = watching("c")
    until_read(watch)
    watch.quiet(2.5)
    assert watch.told() == []
    put(cluster, PROBE)
    watch.until_told(EDITED.replace("began", "ended"))


def test_what_others_add_and_old_marks_are_not_told(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    live = applied(PROBE)[2]
    added = {"f:metadata": {"f:annotations": {"f:x": {}}}, "f:spec": {"f:c": {}}}
    live["metadata"]["managedFields"].append(entry("kubectl-annotate", added))
    live["metadata"]["annotations"] = {"x": "y"}
    cluster.put(POLICIES, live)
    put(cluster, FLANNEL, is_old=True)
    cluster.remove(MAPS, "flannel")
    watch = watching("c")
    until_read(watch)
    watch.quiet(3)
    assert watch.told() == []


def test_only_metadata_of_marked_objects_is_asked_for_where_they_may_be(
    apis: Apis, watching: Begin
) -> None:
    cluster, plain = apis.add("c", 1), apis.add("plain", 1)
    put(cluster, [*PROBE, *FLANNEL])
    watch = watching("c", "plain")
    until_read(watch)
    watch.until(lambda: not watch.fleet.seen()["plain"].view.unread_objects)
    watch.until(lambda: f"GET {MAPS}?watch" in cluster.asked)
    for each in (NAMESPACES, POLICIES, MAPS):
        assert cluster.accepted[each] == {f"{METADATA}, */*", f"{WATCHED_METADATA}, */*"}
    asked = {each.removeprefix("GET ").partition("?")[0] for each in cluster.asked}
    for name in ("configmaps", "serviceaccounts"):
        assert {each for each in asked if each.endswith(name)} == {
            f"{NAMESPACES}/{namespace}/{name}" for namespace in ("kube-system", "kube-flannel")
        }
    assert not [each for each in plain.asked if "kube-flannel/configmaps" in each]
    assert watch.told() == []


def test_a_deleted_object_is_named_and_nothing_is_told_again_after_a_restart(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, [*PROBE])
    put(cluster, FLANNEL)
    watch = watching("c")
    until_read(watch)
    cluster.remove(POLICIES, "probe")
    watch.until_told(DELETED)
    assert watch.events[0].message == (
        f"{POLICY} was deleted: repaired by `fleet refresh` and `fleet up`"
    )
    watch = watching("c")
    until_read(watch)
    watch.quiet(3)
    assert watch.told() == []
    cluster.remove(SERVICES, "probe")
    watch.until_told(DELETED)
    put(cluster, PROBE)
    watch.until_told(DELETED, *["ended ObjectDeleted"] * 2)


def test_what_was_deleted_before_the_watch_is_known_by_its_siblings(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    cluster.remove(POLICIES, "probe")
    watch = watching("c")
    watch.until_told(DELETED)
    assert watch.events[0].message == (
        "one of the 3 objects that were applied with ClusterRole probe was deleted: repaired by "
        "`fleet refresh` and `fleet up`"
    )
    put(cluster, PROBE)
    watch.until_told(DELETED, "ended ObjectDeleted")


@pytest.mark.parametrize("how", ["removed", "changed"])
def test_a_run_deletes_nothing_of_its_own(
    apis: Apis, watching: Begin, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    watch = watching("c")
    until_read(watch)
    if how == "removed":
        monkeypatch.setattr(edits, "DELETED_HOLD", 6.0)
    # As with an apply that takes its time between one object and the next.
    now = datetime.now(UTC)
    others = [{**each, "spec": {}} for each in PROBE]
    for number, live in enumerate(applied(others, time=now.isoformat())):
        if how == "removed":
            cluster.remove(path(PROBE[number]), "probe")
        else:
            cluster.put(path(PROBE[number]), live)
        watch.quiet(1.5)
    watch.quiet(2)
    assert watch.told() == []


def test_objects_that_an_unfinished_run_applied_with_others_are_not_missing(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    watch = watching("c")
    until_read(watch)
    cluster.put(SERVICES, applied(PROBE[1:2])[0])
    watch.quiet(3)
    assert watch.told() == []


@pytest.mark.parametrize(("refused", "status"), [(POLICIES, 500), (NAMESPACES, 403)])
def test_what_may_not_be_read_is_unknown_and_no_denial(
    apis: Apis, watching: Begin, refused: str, status: int
) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    put(cluster, FLANNEL)
    watch = watching("c")
    until_read(watch)
    cluster.put(POLICIES, edited())
    cluster.remove(MAPS, "flannel")
    watch.until_told(EDITED, DELETED)
    cluster.failures[refused] = (status, "no")
    cluster.cut()
    watch.until(lambda: "objects" in watch.fleet.seen()["c"].view.unread_objects)
    watch.quiet(4)
    assert sorted(watch.told()) == sorted([EDITED, DELETED])
    del cluster.failures[refused]
    put(cluster, PROBE)
    put(cluster, FLANNEL)
    watch.until_told(EDITED, DELETED, EDITED.replace("began", "ended"), "ended ObjectDeleted")


def test_a_kind_that_is_not_served_has_no_objects(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 1)
    cluster.failures[CALICO] = (404, "the server could not find the requested resource")
    put(cluster, PROBE)
    watch = watching("c")
    until_read(watch)
    cluster.remove(SERVICES, "probe")
    watch.until_told(DELETED)
    put(cluster, PROBE)
    watch.until_told(DELETED, "ended ObjectDeleted")
    assert cluster.asked.count(f"GET {CALICO}") < 6, "it is asked for less and less often"


def test_of_a_kind_that_was_just_defined_it_is_not_known_what_is_missing(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 1)
    cluster.failures[CALICO] = (404, "the server could not find the requested resource")
    name = "clusterinformations.crd.projectcalico.org"
    both = [
        document("CustomResourceDefinition", name),
        document("ClusterInformation", "default"),
    ]
    watch = watching("c")
    watch.until(lambda: cluster.asked.count(f"GET {CALICO}") > 2)
    put(cluster, both)
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.unread_objects))
    watch.quiet(3)
    assert watch.told() == []
    del cluster.failures[CALICO]
    until_read(watch)
    watch.quiet(2)
    assert watch.told() == []


def test_not_each_of_many_is_told(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 1)
    many = [document("Role", f"r{number}") for number in range(9)]
    put(cluster, many)
    for number in range(8):
        cluster.remove(path(many[0]), f"r{number}")
    watch = watching("c")
    watch.until_told(*[DELETED] * 5)
    assert [event.message for event in watch.events if "(3 more are missing)" in event.message]


def test_after_an_outage_all_is_known_soon(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE)
    watch = watching("c")
    until_read(watch)
    cluster.cut()
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.unread_objects))
    assert watch.until(lambda: not watch.fleet.seen()["c"].view.unread_objects) < 10
    cluster.remove(POLICIES, "probe")
    watch.until_told(DELETED)


@pytest.mark.parametrize(
    "managed",
    [1, [1], [{"time": "x"}], [{"time": "2026-11-27T09:00:00", "manager": "x"}], [{"fieldsV1": 1}]],
    ids=json.dumps,
)
def test_what_no_api_server_says_harms_nothing(apis: Apis, watching: Begin, managed: Any) -> None:
    cluster = apis.add("c", 1)
    put(cluster, PROBE[:1])
    live = applied(PROBE[:1])[0]
    live["metadata"] |= {"name": "other", "managedFields": managed}
    cluster.put(ROLES, live)
    cluster.put(ROLES, {"metadata": {"name": "third", "labels": {LABEL: "a.b.9999999999.c"}}})
    watch = watching("c")
    until_read(watch)
    watch.quiet(1)
    assert watch.fleet.seen()["c"].snapshot.is_known


def test_all_that_is_applied_is_watched() -> None:
    for cluster in [*load(SETTINGS).clusters, *load(CONTAINER).clusters]:
        its = [*applied_objects(cluster).values(), *registrations(cluster)]
        for each in (each for group in its for each in group):
            served = KINDS[each["apiVersion"], each["kind"]]
            namespace = each["metadata"].get("namespace", "")
            assert not served.namespaces or namespace in served.namespaces, each["metadata"]
            if served.namespaces and namespace in ONLY:
                assert each["metadata"]["name"] == ONLY[namespace]
