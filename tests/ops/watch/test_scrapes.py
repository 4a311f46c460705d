"""What a watch says of kubelets that are not measured any more, and what it does not say."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model.watch import problem
from ops.watch import scrapes
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch.conftest import Watching
from tests.ops.watch.watched_api import FOLLOWED, Apis, Cluster, node

Begin = Callable[..., Watching]
LOG = f"{PODS_PATH}/probe-n2/log"
LAST = "2026-11-27T08:00:00Z"
TOLD = "began KubeletUnreachable n2"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let seconds pass as tenths of a second, and heartbeats, which prove that the API lives."""
    monkeypatch.setattr("ops.watch.leaders.SECONDS", 0.3)
    for name, seconds in (
        *(("SECONDS", 0.3), ("ABSENT_SECONDS", 0.3), ("AGAIN_SECONDS", 0.1)),
        *(("LOG_SECONDS", 0.5), ("SILENT_SECONDS", 1.1), ("LATER_SECONDS", 1.0)),
    ):
        monkeypatch.setattr(scrapes, name, seconds)


def watched(apis: Apis, watching: Begin) -> tuple[Cluster, Watching]:
    """A cluster of three Nodes that are measured."""
    cluster = apis.add("c", 3)
    cluster.measure()
    watch = watching("c")
    watch.until_known("c")
    watch.until(lambda: is_measured(watch))
    return cluster, watch


def is_measured(watch: Watching) -> bool:
    return watch.fleet.seen()["c"].view.is_measured


def silence(cluster: Cluster) -> None:
    """Drop what is sent to a kubelet: nothing is answered, and what is open goes on."""
    cluster.unanswered.add(LOG)
    cluster.measure("n2")


def test_a_kubelet_behind_a_firewall_is_told_with_its_port_and_its_end(
    apis: Apis, watching: Begin
) -> None:
    cluster, watch = watched(apis, watching)
    silence(cluster)
    watch.until_told(TOLD)
    (event,) = watch.events
    for words in ("no answer within", "port 10250", "measured nothing on it since"):
        assert words in event.message
    assert event.runbook == "docs/runbooks/kubelet-unreachable.md"
    assert "this watch began" not in event.message
    assert event.began <= datetime.now(UTC) - timedelta(seconds=1)
    # What is known of it does not depend on metrics-server any more.
    cluster.others[scrapes.METRICS] = {"items": []}
    watch.until(lambda: not is_measured(watch))
    watch.quiet(2)
    assert watch.told() == [TOLD]
    cluster.unanswered.clear()
    watch.until_told(TOLD, "ended KubeletUnreachable n2")


def test_a_kubelet_behind_a_firewall_is_still_there_after_a_restart(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "END_SECONDS", 1.0)
    monkeypatch.setattr("ops.watch.exchange.Exchange.HEAD_SECONDS", 3.0)
    cluster, watch = watched(apis, watching)
    silence(cluster)
    watch.until_told(TOLD)
    # Nothing that is requested again is answered either.
    cluster.unanswered.add(f"{LOG}{FOLLOWED}")
    watch = watching("c")
    watch.until(lambda: is_measured(watch))
    watch.quiet(4)
    assert watch.told() == []
    cluster.unanswered.clear()
    watch.until_told("ended KubeletUnreachable n2")


@pytest.mark.parametrize("why", ["connect: connection refused", "i/o timeout"])
def test_what_the_api_server_says_of_a_kubelet_is_told(
    apis: Apis, watching: Begin, why: str
) -> None:
    cluster, watch = watched(apis, watching)
    asked = "https://10.88.0.12:10250/containerLogs/kube-system/probe-n2/host"
    cluster.failures[LOG] = (500, f'Get "{asked}": dial tcp 10.88.0.12:10250: {why}')
    cluster.measure("n2")
    watch.until_told(TOLD)
    assert why in watch.events[0].message


def test_a_kubelet_that_answers_is_not_told_at_once(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """metrics-server may be slow, start, or lack a scrape; after a while it is told as well."""
    monkeypatch.setattr(scrapes, "UNMEASURED_SECONDS", 4.0)
    cluster, watch = watched(apis, watching)
    cluster.measure("n2")
    watch.quiet(3)
    cluster.measure()
    watch.quiet(2)
    cluster.measure("n2")
    watch.quiet(3)
    assert watch.told() == []
    watch.until_told("began KubeletNotMeasured n2")
    # While metrics-server does not work, nothing is known of it.
    cluster.failures[scrapes.METRICS] = (503, "the server is currently unable")
    watch.until(lambda: not is_measured(watch))
    watch.quiet(2)
    assert len(watch.told()) == 1
    del cluster.failures[scrapes.METRICS]
    cluster.measure()
    watch.until_told("began KubeletNotMeasured n2", "ended KubeletNotMeasured n2")


def test_a_kubelet_that_is_not_measured_is_still_so_after_a_restart(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problem, "END_SECONDS", 1.0)
    monkeypatch.setattr(scrapes, "UNMEASURED_SECONDS", 3.0)
    cluster, watch = watched(apis, watching)
    cluster.measure("n2")
    watch.until_told("began KubeletNotMeasured n2")
    watch = watching("c")
    watch.until(lambda: is_measured(watch))
    watch.quiet(5)
    assert watch.told() == []
    cluster.measure()
    watch.until_told("ended KubeletNotMeasured n2")


def test_a_kubelet_that_is_restarted_is_not_told(apis: Apis, watching: Begin) -> None:
    cluster, watch = watched(apis, watching)
    silence(cluster)
    path = f"GET {LOG}"
    before = cluster.asked.count(path)
    watch.until(lambda: cluster.asked.count(path) > before)
    cluster.unanswered.clear()
    watch.quiet(3)
    assert watch.told() == []


@pytest.mark.parametrize(
    "state",
    [
        {"metadata": {"creationTimestamp": "now"}},
        {"metadata": {"creationTimestamp": "2026-01-01T00:00:00"}},
        {"spec": {"unschedulable": True}},
    ],
    ids=["young", "of an odd age", "cordoned"],
)
def test_of_some_nodes_nothing_is_expected(
    apis: Apis, watching: Begin, state: dict[str, Any]
) -> None:
    cluster = apis.add("c", 3)
    found = node("n2")
    for key, more in state.items():
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        found[key] |= {name: now if value == "now" else value for name, value in more.items()}
    cluster.put(NODES_PATH, found)
    silence(cluster)
    watch = watching("c")
    watch.until(lambda: is_measured(watch))
    watch.quiet(4)
    assert watch.told() == []


def test_a_node_that_was_omitted_while_it_was_young_is_told_with_its_last_time(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.watch.watcher.MEASURED_AGE", timedelta(days=3650))
    cluster, watch = watched(apis, watching)
    silence(cluster)
    watch.quiet(3)
    assert watch.told() == []
    monkeypatch.setattr("ops.watch.watcher.MEASURED_AGE", timedelta(0))
    watch.until_told(TOLD)
    assert "this watch began" not in watch.events[0].message


@pytest.mark.parametrize("answer", [404, 403, 503, "empty", "old", "hostile"])
def test_without_metrics_nothing_is_told(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch, answer: int | str
) -> None:
    cluster = apis.add("c", 3)
    silence(cluster)
    if isinstance(answer, int):
        cluster.failures[scrapes.METRICS] = (answer, "no")
    elif answer == "old":
        # metrics-server answers, and measures nothing any more.
        monkeypatch.setattr(scrapes, "OLD_SECONDS", 0.0)
    else:
        odd: list[Any] = [1, {"metadata": {"name": []}}]
        cluster.others[scrapes.METRICS] = {"items": [] if answer == "empty" else odd}
    watch = watching("c")
    watch.until_known("c")
    watch.quiet(4)
    assert not is_measured(watch)
    assert watch.told() == []


def test_an_api_server_that_is_silent_says_nothing_of_kubelets(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, watch = watched(apis, watching)
    monkeypatch.setattr("ops.watch.leaders.SECONDS", 3600.0)
    begin = time.monotonic()
    watch.until(lambda: time.monotonic() - begin > 1)
    silence(cluster)
    watch.quiet(4)
    assert watch.told() == []


def test_what_nobody_measures_is_asked_for_little_by_little(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrapes, "SECONDS", 2.0)
    cluster = apis.add("c", 12)
    cluster.measure(*(f"n{index}" for index in range(1, 12)))
    watch = watching("c")
    watch.until_known("c")
    before = len([path for path in cluster.asked if path.endswith("/log")])
    watch.until(lambda: is_measured(watch))
    asked = [path for path in cluster.asked if path.endswith("/log")][before:]
    assert len(asked) <= scrapes.ASKED
