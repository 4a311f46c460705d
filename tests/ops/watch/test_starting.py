"""What has just been made: it alarms nobody as long as it may be starting."""

from datetime import UTC, datetime, timedelta

import pytest

from model.status import starting
from ops.kube.cluster_status import APPS
from ops.watch import add_ons, findings, watcher
from ops.watch.watcher import NODES_PATH
from tests.ops.watch.conftest import Begin
from tests.ops.watch.watched_api import Apis, Cluster, Thing, node

YOUNG = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add_ons, "POD_HOLD", 0.2)
    monkeypatch.setattr(watcher, "JUDGE_SECONDS", 0.5)


def failing(cluster: Cluster, ago: timedelta | None) -> Thing:
    """kube-proxy of which a pod is not Ready, created so long ago by the cluster's clock."""
    thing = cluster.objects[APPS[0]]["kube-proxy"]
    created = (datetime.now(UTC) + cluster.ahead - ago).isoformat() if ago is not None else None
    metadata = {**thing["metadata"], "creationTimestamp": created}
    status = {"desiredNumberScheduled": 3, "numberReady": 1}
    return {**thing, "metadata": metadata, "status": status}


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(hours=3), timedelta(hours=-3)])
def test_what_starts_is_told_only_when_it_should_have_started(
    apis: Apis, watching: Begin, ahead: timedelta
) -> None:
    young, old, unknown = (apis.add(name) for name in ("young", "old", "unknown"))
    for cluster in (young, old, unknown):
        cluster.ahead = ahead
    young.put(APPS[0], failing(young, YOUNG))
    old.put(APPS[0], failing(old, starting.LIMIT))
    unknown.put(APPS[0], failing(unknown, None))
    begun = watching("young", "old", "unknown")
    began = ["began AddOnNotReady"]
    begun.until(lambda: all(begun.told(name) == began for name in ("old", "unknown")))
    assert begun.told("young") == []
    young.ahead += starting.LIMIT
    begun.until(lambda: begun.told("young") == began)


def test_what_has_started_has_no_end_since_it_had_no_beginning(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c")
    healthy = cluster.objects[APPS[0]]["kube-proxy"]
    cluster.put(APPS[0], failing(cluster, YOUNG))
    begun = watching("c")
    begun.until_known("c")
    cluster.put(APPS[0], healthy)
    begun.until(lambda: all(each.is_ready for each in begun.fleet.seen()["c"].view.add_ons))
    cluster.put(NODES_PATH, node("n1", ready="Unknown"))
    begun.until(lambda: bool(begun.told()))
    assert begun.told() == ["began NotReady n1"]


def test_a_node_that_joins_is_told_only_if_it_does_not_become_ready(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "JOIN_HOLD", 3600.0)
    cluster = apis.add("c", 3)
    begun = watching("c")
    begun.until_known("c")
    joining = node("n1", ready="False")
    joining["metadata"]["creationTimestamp"] = datetime.now(UTC).isoformat()
    cluster.put(NODES_PATH, joining)
    cluster.put(NODES_PATH, node("n2", ready="False"))
    begun.until_told("began NotReady n2")
    monkeypatch.setattr(findings, "JOIN_HOLD", 0.0)
    begun.until_told("began NotReady n2", "began NotReady n1")
