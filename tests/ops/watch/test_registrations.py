"""What a watch says of metrics-server's API and of its certificate."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ops.kube import metrics_status
from ops.watch import findings, slow
from tests.ops.kube.test_metrics_status import registered
from tests.ops.watch.conftest import Watching
from tests.ops.watch.watched_api import Apis, Cluster

PATH = metrics_status.PATH


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "FIRST_SECONDS", 0.1)
    monkeypatch.setattr(slow, "REGISTRATION_SECONDS", 0.1)
    monkeypatch.setattr(slow, "AGAIN_SECONDS", 0.1)
    monkeypatch.setattr(findings, "METRICS_HOLD", 1.0)


def put(cluster: Cluster, **state: Any) -> None:
    cluster.others[PATH] = registered(**state)


def asked(cluster: Cluster) -> int:
    return cluster.asked.count(f"GET {PATH}")


def read_again(watch: Watching, cluster: Cluster) -> None:
    """Wait until what is there now was read and judged."""
    before = asked(cluster)
    watch.until(lambda: asked(cluster) > before + 2)


def test_an_api_that_is_not_reached_is_told_with_the_reason_and_its_end(
    apis: Apis, watching: Callable[..., Watching]
) -> None:
    cluster = apis.add("c", 2)
    put(cluster)
    watch = watching("c")
    watch.until_known("c")
    read_again(watch, cluster)
    assert watch.told() == []
    put(cluster, reason="FailedDiscoveryCheck", message="no route to host")
    watch.until_told("began MetricsUnavailable")
    (event,) = watch.events
    assert "no route to host" in event.message
    assert event.runbook == metrics_status.RUNBOOK
    # What cannot be read has not ended.
    cluster.failures[PATH] = (500, "etcd is slow")
    read_again(watch, cluster)
    assert watch.told() == ["began MetricsUnavailable"]
    del cluster.failures[PATH]
    put(cluster)
    watch.until_told("began MetricsUnavailable", "ended MetricsUnavailable")


def test_one_that_starts_is_not_told(apis: Apis, watching: Callable[..., Watching]) -> None:
    cluster = apis.add("c", 2)
    put(cluster, reason="FailedDiscoveryCheck", message="starting")
    watch = watching("c")
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.slow.metrics))
    put(cluster)
    watch.until(lambda: watch.fleet.seen()["c"].view.slow.metrics == ())
    read_again(watch, cluster)
    assert watch.told() == []


@pytest.mark.parametrize(("days", "expected"), [(37, []), (36, ["began CertificateExpires"])])
def test_a_certificate_that_was_not_renewed_is_told(
    apis: Apis, watching: Callable[..., Watching], days: int, expected: list[str]
) -> None:
    cluster = apis.add("c", 2)
    put(cluster, left=timedelta(days=days))
    watch = watching("c")
    watch.until(lambda: watch.fleet.seen()["c"].view.slow.metrics is not None)
    read_again(watch, cluster)
    watch.until_told(*expected)
    assert all("metrics-server" in event.message for event in watch.events)


@pytest.mark.parametrize("answer", [404, 403, "hostile"])
def test_without_one_nothing_is_told(
    apis: Apis, watching: Callable[..., Watching], answer: int | str
) -> None:
    cluster = apis.add("c", 2)
    if answer == "hostile":
        cluster.others[PATH] = {"metadata": [], "status": {"conditions": [{}, 1]}}
    else:
        cluster.failures[PATH] = (int(answer), "no")
    watch = watching("c")
    watch.until_known("c")
    read_again(watch, cluster)
    is_known = watch.fleet.seen()["c"].view.slow.metrics == ()
    assert is_known == (answer == 404)
    assert watch.told() == []
