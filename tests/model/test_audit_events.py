"""Lines of audit logs: parsed whatever a client has put into its request, or skipped."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.audit.changed_fields import changed_fields
from model.audit.events import LONGEST, parse, request_body
from tests.audit_events import NOW, line
from tests.hostile import texts

# As an API server of 1.36 writes it, with every kind of field.
WHOLE = (
    b'{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"8b1d0f0e-1111-'
    b'4222-8333-944444444444","stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/'
    b'shop/deployments/web?fieldManager=kubectl-edit","verb":"patch","user":{"username":"alice",'
    b'"groups":["system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":'
    b'["X509SHA256=00ff"]}},"impersonatedUser":{"username":"bob","groups":["devs"]},"sourceIPs":'
    b'["192.0.2.7","198.51.100.2"],"userAgent":"kubectl/v1.36.3 (linux/amd64) kubernetes/0\\u0026",'
    b'"objectRef":{"resource":"deployments","namespace":"shop","name":"web","apiGroup":"apps",'
    b'"apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestObject":{"spec":'
    b'{"replicas":3}},"requestReceivedTimestamp":"2026-11-26T21:00:00.000001Z","stageTimestamp":'
    b'"2026-11-26T21:00:00.004000Z","annotations":{"authorization.k8s.io/decision":"allow"}}'
)


def test_every_field_is_read() -> None:
    event = parse(WHOLE)
    assert event
    assert event.audit_id == "8b1d0f0e-1111-4222-8333-944444444444"
    assert (event.verb, event.stage, event.code) == ("patch", "ResponseComplete", 200)
    assert (event.user, event.impersonated) == ("alice", "bob")
    assert (event.resource, event.api_group, event.api_version) == ("deployments", "apps", "v1")
    assert (event.namespace, event.name, event.subresource) == ("shop", "web", "")
    assert event.source_ips == ("192.0.2.7", "198.51.100.2")
    assert event.user_agent.endswith("kubernetes/0&")
    assert event.received == datetime(2026, 11, 26, 21, 0, 0, 1, tzinfo=UTC)
    assert event.reached - event.received == timedelta(microseconds=3999)
    assert event.annotations == {"authorization.k8s.io/decision": "allow"}
    assert request_body(WHOLE) == {"spec": {"replicas": 3}}


def test_the_form_of_the_tests_lines_is_the_api_servers() -> None:
    made = line("patch", "deployments", "web", group="apps", body='{"spec":{}}', annotations={})
    keys, known = list(json.loads(made)), list(json.loads(WHOLE))
    assert keys == [key for key in known if key != "impersonatedUser"]


@pytest.mark.parametrize(
    "torn", [*(WHOLE[:end] for end in range(0, len(WHOLE), 41)), WHOLE[1:], WHOLE + b"x"]
)
def test_a_torn_line_is_no_event(torn: bytes) -> None:
    assert parse(torn) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\0" * 5000,
        b"I1126 21:00:00.000000       1 trace.go:236] Trace",
        b"{}",
        b"[]",
        b'{"kind":"Event","apiVersion":"audit.k8s.io/v1"}',
        b'{"kind":"Event","requestReceivedTimestamp":1,"stageTimestamp":[]}',
        b'{"kind":"Event","requestReceivedTimestamp":"2026-11-26T21:00:00",'
        b'"stageTimestamp":"2026-11-26T21:00:00"}',
        b'{"kind":"Event",' + b"[" * 100_000,
    ],
)
def test_foreign_text_is_no_event(text: bytes) -> None:
    assert parse(text) is None


def test_values_of_other_types_are_empty() -> None:
    event = parse(
        b'{"kind":"Event","user":[],"objectRef":"x","responseStatus":{"code":"200"},"sourceIPs":{},'
        b'"verb":7,"annotations":{"a":1},"requestReceivedTimestamp":"2026-11-26T21:00:00+09:00",'
        b'"stageTimestamp":"2026-11-26T12:00:00Z"}'
    )
    assert event
    assert (event.user, event.resource, event.code, event.source_ips) == ("", "", 0, ())
    assert event.received == event.reached, "times are compared whatever their zones"


HIDING = {
    "deep": '{"a":' * 200_000 + "1" + "}" * 200_000,
    "number": '{"a":' + "9" * 10_000 + "}",
    "exponent": '{"a":1e999999}',
    "another event": line(user="mallory").decode().strip(),
    "another end": '{"a":1},"requestReceivedTimestamp":"2000-01-01T00:00:00.000000Z"',
    "long": '{"a":"' + "x" * 5_000_000 + '"}',
    "not JSON": "\\x00{",
}


@pytest.mark.parametrize("body", HIDING.values(), ids=HIDING)
def test_no_body_hides_its_request(body: str) -> None:
    event = parse(line("delete", "pods", "web-0", body=body))
    assert event
    assert (event.user, event.verb, event.name, event.received) == ("alice", "delete", "web-0", NOW)


def test_a_body_that_python_cannot_represent_is_none() -> None:
    assert request_body(line(body=HIDING["deep"])) is None
    assert changed_fields(request_body(line("patch", body=HIDING["number"]))) == ("a",)


def test_hostile_texts_are_read_as_they_are(tmp_path: Path) -> None:
    for text in texts(tmp_path / "canary"):
        event = parse(line(user=text, name=text, agent=text))
        assert event
        assert (event.user, event.name, event.user_agent) == (text[:LONGEST],) * 3


def test_half_a_character_is_replaced() -> None:
    event = parse(line(user="a").replace(b'"username":"a"', b'"username":"a\\ud800"'))
    assert event
    assert event.user == "a?"


@pytest.mark.parametrize(
    ("patch", "fields"),
    [
        ({"spec": {"replicas": 3, "paused": None}}, ("spec.replicas", "spec.paused")),
        ({"data": {}}, ("data",)),
        ([{"op": "replace", "path": "/spec/replicas", "value": 3}], ("spec.replicas",)),
        ([{"op": "add", "path": "/metadata/annotations/a~1b"}], ("metadata.annotations.a/b",)),
        ({"spec": {"$setElementOrder/containers": [], "containers": [1]}}, ("spec.containers",)),
        ({"apiVersion": "v1", "kind": "Pod", "spec": {}}, ()),
        ([1, {"path": 2}], ()),
        ("text", ()),
        (None, ()),
    ],
)
def test_fields_of_a_patch_are_named_without_values(patch: object, fields: tuple[str]) -> None:
    assert changed_fields(patch) == fields


def test_the_fields_of_a_patch_are_limited() -> None:
    assert len(changed_fields({f"a{number}": 1 for number in range(1000)})) == 20
    assert [len(each) for each in changed_fields({"x" * 5000: 1})] == [200]
