"""Which events answer which question, and which do not."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from model.audit import questions
from model.audit.collection import NewestEvents
from model.audit.events import parse
from model.audit.query import Query
from model.audit.questions import Question
from model.audit.resources import ObjectName, ObjectNameError
from tests.audit_events import NOW, line

HOUR = timedelta(hours=1)
FORBIDDEN = 'pods is forbidden: User "alice" cannot list resource "pods"'


def answers(
    question: Question, *event: Any, limits: dict[str, Any] | None = None, **more: Any
) -> bool:
    text = line(*event, **more)
    parsed = parse(text)
    assert parsed
    return Query(question, NOW + HOUR, **(limits or {})).answer(parsed, text) is not None


def named(*words: str) -> ObjectName:
    return ObjectName.parse(words, needs_name=False)


@pytest.mark.parametrize("verb", ["create", "update", "patch", "delete", "deletecollection"])
def test_what_was_written_is_a_change(verb: str) -> None:
    assert answers(questions.changes(), verb, "deployments", "web", group="apps")


@pytest.mark.parametrize(
    "event",
    [
        {"verb": "get"},
        {"verb": "list"},
        {"verb": "create", "code": 403},
        {"verb": "update", "code": 409},
        {"verb": "patch", "code": 500},
        {"verb": "create", "subresource": "exec", "code": 101},
        {"verb": "create", "resource": "nodes", "subresource": "proxy"},
        {
            "verb": "create",
            "resource": "subjectaccessreviews",
            "group": "authorization.k8s.io",
            "code": 201,
        },
        {"verb": "patch", "uri": "/api/v1/namespaces/shop/pods/a?dryRun=All&force=true"},
        {"verb": "create", "resource": "", "uri": "/logs"},
    ],
)
def test_what_changed_nothing_is_no_change(event: dict[str, Any]) -> None:
    assert not answers(questions.changes(), **event)


@pytest.mark.parametrize(
    "event",
    [
        # Their options are in the body: what the address says does not count.
        {"verb": "delete", "uri": "/api/v1/namespaces/shop/pods/a?dryRun=All"},
        {"verb": "create", "subresource": "eviction", "uri": "/a?dryRun=All"},
        # The API server ignores all of these.
        {"verb": "patch", "uri": "/a?dryRun=all"},
        {"verb": "patch", "uri": "/a?dryRun=All;"},
        {"verb": "patch", "uri": "/a?dryRun=All%"},
        {"verb": "patch", "uri": "/a?x=" + "&" * 3000 + "dryRun=No"},
        {"verb": "create", "resource": "serviceaccounts", "subresource": "token", "code": 201},
    ],
)
def test_no_change_can_pretend_to_be_a_dry_run(event: dict[str, Any]) -> None:
    assert answers(questions.changes(), **event)


@pytest.mark.parametrize(
    ("user", "is_shown"),
    [
        ("alice", True),
        ("kubernetes-admin", True),
        ("system:serviceaccount:argocd:application-controller", True),
        ("system:serviceaccount:kube-systems:x", True),
        ("system:anonymous", True),
        ("system:serviceaccount:kube-system:replicaset-controller", False),
        ("system:node:cluster1-worker-0", False),
        ("system:kube-scheduler", False),
        ("system:apiserver", False),
    ],
)
def test_a_clusters_own_parts_are_skipped_unless_requested(user: str, is_shown: bool) -> None:
    def shown(**limits: Any) -> bool:
        return answers(questions.changes(), "patch", "pods", "a", user=user, limits=limits)

    assert shown() is is_shown
    assert shown(all_users=True)
    assert shown(users=frozenset((user,)))
    assert not shown(users=frozenset(("somebody",)))
    assert answers(questions.denied(), user=user, code=403, message=FORBIDDEN)


def test_whoever_acts_as_another_one_is_found_by_both_names() -> None:
    event = {"user": "system:serviceaccount:kube-system:portal", "impersonated": "bob"}
    for limits in ({}, {"users": frozenset(("bob",))}, {"users": frozenset((event["user"],))}):
        assert answers(questions.changes(), "patch", limits=limits, **event), limits


@pytest.mark.parametrize(
    ("event", "is_shown"),
    [
        ({"code": 401, "user": "", "message": "Unauthorized"}, True),
        ({"code": 403, "message": FORBIDDEN}, True),
        ({"code": 422, "message": "ValidatingAdmissionPolicy 'a' denied request: no"}, True),
        ({"code": 400, "message": 'admission webhook "x" denied the request: no'}, True),
        ({"code": 422, "message": "spec.replicas: Invalid value: -1"}, False),
        ({"code": 404}, False),
        ({"code": 200}, False),
    ],
)
def test_denied_requests(event: dict[str, Any], is_shown: bool) -> None:
    assert answers(questions.denied(), "create", **event) is is_shown


@pytest.mark.parametrize(
    ("event", "is_shown"),
    [
        (("get", "secrets", "db"), True),
        (("list", "secrets"), True),
        (("watch", "secrets"), True),
        (("get", "secrets", "other"), False),
        (("get", "configmaps", "db"), False),
        (("update", "secrets", "db"), False),
    ],
)
def test_reads_of_a_secret(event: tuple[str, ...], is_shown: bool) -> None:
    assert answers(questions.secrets("db"), *event) is is_shown
    assert not answers(questions.secrets("db"), *event, code=403)
    assert not answers(questions.secrets("db"), *event, group="example.com")


def test_all_reads_of_secrets() -> None:
    assert answers(questions.secrets(), "get", "secrets", "other")


@pytest.mark.parametrize(
    ("event", "is_shown"),
    [
        ({"subresource": "exec"}, True),
        ({"subresource": "attach", "verb": "create"}, True),
        ({"subresource": "portforward", "code": 403}, True),
        ({"subresource": "log"}, False),
        ({"resource": "nodes", "subresource": "proxy", "uri": "/a/proxy/exec/shop/web/c"}, True),
        ({"resource": "nodes", "subresource": "proxy", "uri": "/a/proxy/metrics?a=/exec/"}, False),
    ],
)
def test_sessions(event: dict[str, Any], is_shown: bool) -> None:
    assert answers(questions.sessions(), **event) is is_shown


@pytest.mark.parametrize(
    ("event", "is_shown"),
    [
        ({"verb": "delete", "name": "web-0"}, True),
        ({"verb": "deletecollection"}, True),
        ({"verb": "create", "name": "web-0", "subresource": "eviction", "code": 201}, True),
        ({"verb": "delete", "resource": "namespaces", "name": "shop"}, True),
        ({"verb": "delete", "resource": "namespaces", "name": "web-0"}, False),
        ({"verb": "delete", "name": "web-1"}, False),
        ({"verb": "delete", "name": "web-0", "code": 404}, False),
        ({"verb": "delete", "name": "web-0", "resource": "services"}, False),
        ({"verb": "patch", "name": "web-0"}, False),
    ],
)
def test_deletions(event: dict[str, Any], is_shown: bool) -> None:
    namespaces = frozenset(("shop",))
    for user in ("alice", "system:serviceaccount:kube-system:generic-garbage-collector"):
        question = questions.deletions(named("pod/web-0"), namespaces)
        assert answers(question, user=user, **event) is is_shown


def test_deprecated_apis() -> None:
    marked = {"k8s.io/deprecated": "true", "k8s.io/removed-release": "1.38"}
    assert answers(questions.deprecated(), annotations=marked)
    assert not answers(questions.deprecated(), annotations={"k8s.io/deprecated": "false"})
    assert not answers(questions.deprecated())


@pytest.mark.parametrize(
    ("limits", "is_shown"),
    [
        ({"since": NOW}, True),
        ({"since": NOW + HOUR}, True),
        ({"since": NOW + HOUR + timedelta(seconds=1)}, False),
        ({"until": NOW}, True),
        ({"until": NOW - timedelta(microseconds=1)}, False),
        ({"since": NOW + HOUR / 2, "until": NOW + HOUR / 2}, True),
        ({"namespaces": frozenset(("shop", "x"))}, True),
        ({"namespaces": frozenset(("x",))}, False),
    ],
)
def test_a_session_is_in_the_time_if_any_of_it_is(limits: dict[str, Any], is_shown: bool) -> None:
    session = {"subresource": "exec", "received": NOW, "reached": NOW + HOUR}
    assert answers(questions.sessions(), limits=limits, **session) is is_shown


@pytest.mark.parametrize(
    ("words", "resource", "group", "name"),
    [
        (("pods/web-0",), "pods", "", "web-0"),
        (("pod", "web-0"), "pods", "", "web-0"),
        (("Pod/web-0",), "pods", "", "web-0"),
        (("deploy/web",), "deployments", "apps", "web"),
        (("deployments.apps/web",), "deployments", "apps", "web"),
        (("deployments.v1.apps/web",), "deployments", "apps", "web"),
        (("ingress/a",), "ingresses", "networking.k8s.io", "a"),
        (("networkpolicy/a",), "networkpolicies", "networking.k8s.io", "a"),
        (("endpoints/a",), "endpoints", "", "a"),
        (("widgets.example.com/a",), "widgets", "example.com", "a"),
        (("svc",), "services", "", ""),
    ],
)
def test_objects_are_named_as_for_kubectl(
    words: tuple[str, ...], resource: str, group: str, name: str
) -> None:
    found = named(*words)
    assert found.has_type(resource, group)
    assert found.name == name


def test_a_group_that_is_named_is_the_only_one() -> None:
    assert not named("deployments.apps").has_type("deployments", "example.com")
    assert named("pods.").has_type("pods", "") and not named("pods.").has_type("pods", "x")


@pytest.mark.parametrize("words", [(), ("/a",), ("a", "b", "c"), ("a/b", "c"), ("a/b/c",), ("a",)])
def test_what_is_no_object_is_rejected(words: tuple[str, ...]) -> None:
    with pytest.raises(ObjectNameError, match="TYPE/NAME"):
        ObjectName.parse(words, needs_name=True)


# From an API server v1.36.3 with the default audit policy, while kubectl did what it says.
RECORDED = Path(__file__).parent / "recorded" / "audit-v1.36.3.log"
SHOP = frozenset(("shop",))


@pytest.mark.parametrize(
    ("question", "limits", "found"),
    [
        (
            questions.changes(),
            {},
            [
                *("create secrets db", "create configmaps settings", "delete configmaps settings"),
                *("create deployments web", "patch deployments web", "patch deployments web"),
                *("create pods web-0", "delete pods web-0", "delete namespaces shop"),
            ],
        ),
        (
            questions.changes(named("deploy/web")),
            {},
            ["create deployments web", "patch deployments web", "patch deployments web"],
        ),
        (questions.changes(), {"users": frozenset(("bob",))}, ["delete pods web-0"]),
        (questions.denied(), {}, ["delete pods web-0"]),
        (questions.secrets(), {}, ["get secrets db", "list secrets "]),
        # kubectl's WebSocket was refused, and it tried the former way, a POST.
        (questions.sessions(), {}, ["get pods web-0", "create pods web-0"]),
        (questions.deletions(named("pod/web-0")), {}, ["delete pods web-0"]),
        (
            questions.deletions(named("cm/settings"), SHOP),
            {"namespaces": SHOP},
            ["delete configmaps settings", "delete namespaces shop"],
        ),
        (questions.deprecated(), {}, ["list componentstatuses "]),
    ],
)
def test_recorded_events(question: Question, limits: dict[str, Any], found: list[str]) -> None:
    texts = RECORDED.read_bytes().splitlines()
    events = [parse(text) for text in texts]
    kept = NewestEvents(99)
    for event, text in zip(events, texts, strict=True):
        assert event
        if answer := Query(question, event.reached, **limits).answer(event, text):
            kept.add(("one", "one-control-plane-0"), answer)
    assert [f"{each.verb} {each.resource} {each.name}" for each in kept.entries()] == found


def test_recorded_events_of_own_parts_are_skipped() -> None:
    users = [event.user for event in map(parse, RECORDED.read_bytes().splitlines()) if event]
    assert users.count("system:apiserver") == 2
