"""What status says of metrics-server: the certificate, and whether API servers reach it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from model.aggregated_api import registration
from ops.kube import api_services, client
from ops.kube.api_services import PATH, MetricsReading
from tests.ops.kube.api_server import Api

CHECKOUT = Path(__file__).parents[3]
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = "2026-11-27T08:00:00Z"


def registered(
    left: timedelta = timedelta(days=300), reason: str = "Passed", message: str = ""
) -> dict[str, Any]:
    """A registration whose certificate is valid for a year, as the API has it."""
    ends = NOW + left
    available = {
        "type": "Available",
        "status": "True" if reason == "Passed" else "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": SINCE,
    }
    found = registration(api_services.API, "a CA", ends - timedelta(days=365), ends)
    return {**found, "status": {"conditions": [available]}}


def read(api: Api, status: int, found: dict[str, Any]) -> MetricsReading:
    api.answers[f"GET {PATH}"] = (status, found)
    return api_services.read(client.of(api.kubeconfig), "tokyo")


def test_a_healthy_one_has_a_certificate_and_no_condition(api: Api) -> None:
    said = read(api, 200, registered())
    assert said.conditions == ()
    assert said.certificate
    assert (said.certificate.subject, said.certificate.expires) == (
        "metrics-server", NOW + timedelta(days=300),
    )  # fmt: skip


@pytest.mark.parametrize("status", [404, 403])
def test_without_one_or_the_right_to_read_it_nothing_is_known(api: Api, status: int) -> None:
    assert read(api, status, {"kind": "Status"}) == MetricsReading()


@pytest.mark.parametrize("found", [{}, {"spec": None}, {"metadata": {"name": "a"}, "spec": {}}])
def test_an_answer_without_a_service_says_nothing(api: Api, found: dict[str, Any]) -> None:
    assert read(api, 200, found) == MetricsReading()


def test_somebody_else_s_says_nothing_of_a_certificate(api: Api) -> None:
    found = registered()
    del found["metadata"]["annotations"]
    assert read(api, 200, found) == MetricsReading()


@pytest.mark.parametrize("said", ["", "tomorrow"])
def test_a_time_that_is_none_is_no_certificate(api: Api, said: str) -> None:
    found = registered()
    found["metadata"]["annotations"] = dict.fromkeys(found["metadata"]["annotations"], said)
    assert read(api, 200, found).certificate is None


def test_one_that_is_not_reached_is_named_with_the_reason(api: Api) -> None:
    text = "failing or missing response from https://10.96.0.9:443: x509: certificate has expired"
    (condition,) = read(
        api, 200, registered(reason="FailedDiscoveryCheck", message=text)
    ).conditions
    assert condition.reason == "MetricsUnavailable"
    assert text in condition.message
    assert condition.since == datetime.fromisoformat(SINCE)


def test_one_whose_pod_is_not_ready_is_an_add_on_that_is_not(api: Api) -> None:
    assert read(api, 200, registered(reason="MissingEndpoints")).conditions == ()


@pytest.mark.parametrize(("days", "is_due"), [(37, False), (36, True), (-1, True)])
def test_a_certificate_that_nobody_renewed_is_named(api: Api, days: int, *, is_due: bool) -> None:
    found = read(api, 200, registered(timedelta(days=days))).conditions
    assert [each.reason for each in found] == (["CertificateExpires"] if is_due else [])


def said(api: Api, seconds: float, reason: str) -> list[str]:
    found = registered(reason=reason, message="no response")
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    found["status"]["conditions"][0]["lastTransitionTime"] = since
    api.answers[f"GET {PATH}"] = (200, found)
    return [*api_services.warnings(client.of(api.kubeconfig))]


@pytest.mark.parametrize("reason", ["FailedDiscoveryCheck", "MissingEndpoints"])
def test_a_run_warns_of_one_that_is_not_served_and_does_not_start(api: Api, reason: str) -> None:
    assert said(api, 60, reason) == []
    (line,) = said(api, 180, reason)
    assert line.startswith("metrics-server: the API has not served metrics.k8s.io since ")
    assert "no response: see docs/runbooks/" in line
    assert (CHECKOUT / api_services.RUNBOOK).is_file()
    assert said(api, 180, "Passed") == []


@pytest.mark.parametrize("answer", [{}, {"status": {"conditions": [{"type": "Available"}]}}])
def test_a_registration_without_a_state_is_no_warning(api: Api, answer: dict[str, Any]) -> None:
    for status in (200, 404, 403):
        api.answers[f"GET {PATH}"] = (status, answer)
        assert [*api_services.warnings(client.of(api.kubeconfig))] == []


def test_what_another_api_waits_for_is_starting_unless_its_service_does_not_exist() -> None:
    def said(reason: str) -> list[bool]:
        found = registered(reason=reason, message="none")
        metadata = {
            **found["metadata"],
            "name": "v1.a.example",
            "creationTimestamp": NOW.isoformat(),
        }
        known = api_services.registration({**found, "metadata": metadata})
        assert known
        return [each.is_problem for each in api_services.conditions("tokyo", known, NOW)]

    assert said("FailedDiscoveryCheck") == [False]
    assert said("ServiceNotFound") == [True]
