"""What a watch says of aggregated APIs, and of the certificate of metrics-server's."""

from datetime import timedelta
from typing import Any

import pytest

from ops.kube import api_services
from ops.watch import add_ons
from tests.ops.kube.test_api_services import registered
from tests.ops.watch.conftest import Begin, Watching
from tests.ops.watch.watched_api import Apis, Cluster

PATH = api_services.REGISTRATIONS


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add_ons, "REGISTRATION_HOLD", 1.0)


def put(cluster: Cluster, **state: Any) -> None:
    cluster.put(PATH, registered(**state))


def unavailable(watch: Watching) -> list[bool] | None:
    """Of each registration, whether it is unavailable; None if that is not known."""
    found = watch.fleet.seen()["c"].view.registrations
    return None if found is None else [each.is_unavailable for each in found]


def test_an_api_that_is_not_reached_is_told_with_the_reason_and_its_end(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 2)
    put(cluster)
    watch = watching("c")
    watch.until_known("c")
    watch.until(lambda: unavailable(watch) == [False])
    assert watch.told() == []
    put(cluster, reason="FailedDiscoveryCheck", message="no route to host")
    watch.until_told("began MetricsUnavailable")
    (event,) = watch.events
    assert "no route to host" in event.message
    assert event.runbook == api_services.RUNBOOK
    # What cannot be read has not ended.
    cluster.failures[PATH] = (500, "etcd is slow")
    cluster.cut()
    watch.until(lambda: unavailable(watch) is None)
    put(cluster)
    watch.quiet(2)
    assert watch.told() == ["began MetricsUnavailable"]
    del cluster.failures[PATH]
    watch.until_told("began MetricsUnavailable", "ended MetricsUnavailable")


def test_one_that_starts_is_not_told(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_ons, "REGISTRATION_HOLD", 60.0)
    cluster = apis.add("c", 2)
    put(cluster, reason="FailedDiscoveryCheck", message="starting")
    watch = watching("c")
    watch.until(lambda: unavailable(watch) == [True])
    put(cluster)
    watch.until(lambda: unavailable(watch) == [False])
    watch.quiet(2)
    assert watch.told() == []


@pytest.mark.parametrize(("days", "expected"), [(37, []), (36, ["began CertificateExpires"])])
def test_a_certificate_that_was_not_renewed_is_told(
    apis: Apis, watching: Begin, days: int, expected: list[str]
) -> None:
    cluster = apis.add("c", 2)
    put(cluster, left=timedelta(days=days))
    watch = watching("c")
    watch.until(lambda: unavailable(watch) is not None)
    watch.quiet(2)
    watch.until_told(*expected)
    assert all("metrics-server" in event.message for event in watch.events)


@pytest.mark.parametrize("answer", [404, 403, "hostile"])
def test_without_one_nothing_is_told(apis: Apis, watching: Begin, answer: int | str) -> None:
    cluster = apis.add("c", 2)
    if answer == "hostile":
        for wrong in ({}, {"spec": 1}, {"spec": {"service": 1}, "status": {"conditions": [{}, 1]}}):
            cluster.put(PATH, {"metadata": {"name": f"v1.a{len(wrong)}"}, **wrong})
    else:
        cluster.failures[PATH] = (int(answer), "no")
    watch = watching("c")
    watch.until_known("c")
    watch.quiet(2)
    assert unavailable(watch) == ([] if answer == "hostile" else None)
    assert watch.told() == []


def test_an_api_without_its_service_is_told_soon(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_ons, "REGISTRATION_HOLD", 60.0)
    monkeypatch.setattr(add_ons, "POD_HOLD", 1.0)
    cluster, fleets = apis.add("c", 2), apis.add("fleets", 2)
    put(fleets, reason="ServiceNotFound", message="it is gone")
    watch = watching("c", "fleets")
    watch.until_known("c", "fleets")
    served: dict[str, Any] = {"metadata": {"name": "v1.apps"}, "spec": {}, "status": {}}
    cluster.put(PATH, served)
    available = {"type": "Available", "status": "False", "reason": "ServiceNotFound"}
    for name, reason in (("v1.a.example", "ServiceNotFound"), ("v1.b.example", "FailedDiscovery")):
        other = {
            "metadata": {"name": name},
            "spec": {"group": name[3:], "service": {"name": "gone", "namespace": "default"}},
            "status": {"conditions": [{**available, "reason": reason, "message": "it is gone"}]},
        }
        cluster.put(PATH, other)
    watch.until_told(
        "began APIServiceUnavailable APIService v1.a.example", "began MetricsUnavailable"
    )
    watch.quiet(2)
    cluster.remove(PATH, "v1.a.example")
    watch.until_told(
        "began APIServiceUnavailable APIService v1.a.example",
        "began MetricsUnavailable",
        "ended APIServiceUnavailable APIService v1.a.example",
    )
