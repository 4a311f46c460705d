"""Clocks of several API servers, by the leases that each of them renews."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from model.watch.event import Change
from ops.watch import skews
from ops.watch.findings import COMPONENTS
from ops.watch.server_clocks import ServerClocks
from ops.watch.view import View
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch import watched_api
from tests.ops.watch.conftest import Begin
from tests.ops.watch.test_silence import Life, view
from tests.ops.watch.test_skews import found
from tests.ops.watch.watched_api import Apis, component

BEGIN = datetime(2026, 11, 28, 10, tzinfo=UTC)
POLL, RENEWAL = 5.0, 10.0


def lease(node: str, renewed: datetime) -> dict[str, Any]:
    metadata = {"name": f"apiserver-{node}", "labels": {"kubernetes.io/hostname": node}}
    return {"metadata": metadata, "spec": {"renewTime": renewed.isoformat()}}


class Cluster:
    """API servers that renew their leases, and the heartbeat that reads them."""

    def __init__(self, **ahead: float) -> None:
        self.ahead, self.clocks = ahead, ServerClocks()
        self.seconds = 0.0
        # Those who do not, and how long a renewal takes to be written.
        self.stopped: dict[str, float] = {}
        self.slow = 0.0
        self._written = dict.fromkeys(ahead, BEGIN)

    def run(self, seconds: float, took: float = 0.1) -> dict[str, float]:
        end = self.seconds + seconds
        while self.seconds < end:
            self.seconds += POLL
            now = BEGIN + timedelta(seconds=self.seconds)
            for index, (node, ahead) in enumerate(self.ahead.items()):
                since = self.seconds - (self.seconds + 3.3 * index) % RENEWAL
                since = min(since, self.stopped.get(node, since))
                if since + self.slow <= self.seconds:
                    self._written[node] = BEGIN + timedelta(seconds=since + ahead)
            leases = [lease(node, time) for node, time in self._written.items()]
            other = {"metadata": {"name": "kube-scheduler"}, "spec": {"renewTime": "x"}}
            shown = now.replace(microsecond=0)
            self.clocks.read([*leases, other], shown, timedelta(seconds=took))
        return dict(self.clocks.found)


def test_clocks_that_agree_are_no_difference() -> None:
    for took in (0.1, 3.0):
        cluster = Cluster(n0=0.0, n1=2.0, n2=-2.0)
        assert cluster.run(300, took) == {"n0": 0.0, "n1": 0.0, "n2": 0.0}


@pytest.mark.parametrize("off", [15.0, -15.0, 600.0, -86400.0])
def test_one_that_is_off_is_found_with_its_difference(off: float) -> None:
    cluster = Cluster(n0=0.0, n1=off, n2=0.3)
    near = cluster.run(25)
    assert abs(near["n1"] - off) <= 4
    later = cluster.run(120)
    assert abs(later["n1"] - off) <= 2
    assert (later["n0"], later["n2"]) == (0.0, 0.0)


def test_one_that_is_set_meanwhile_is_found_soon_and_its_end_too() -> None:
    cluster = Cluster(n0=0.0, n1=0.0)
    cluster.run(300)
    cluster.ahead["n1"] = 60.0
    assert abs(cluster.run(15)["n1"] - 60) <= 4
    cluster.ahead["n1"] = 0.0
    assert cluster.run(15)["n1"] == 0.0


def test_one_that_renews_late_or_stops_is_not_behind() -> None:
    cluster = Cluster(n0=0.0, n1=0.0)
    cluster.run(60)
    cluster.slow = 3.0
    assert cluster.run(60) == {"n0": 0.0, "n1": 0.0}
    cluster.stopped["n1"] = cluster.seconds
    assert cluster.run(40) == {"n0": 0.0, "n1": 0.0}
    assert cluster.run(40) == {"n0": 0.0}, "it does not run"
    del cluster.stopped["n1"]
    assert cluster.run(30) == {"n0": 0.0, "n1": 0.0}


@pytest.mark.parametrize("renewed", ["", "now", 5, None])
def test_what_is_no_time_says_nothing(renewed: Any) -> None:
    bad = {"metadata": {"name": "apiserver-x"}, "spec": {"renewTime": renewed}}
    clocks = ServerClocks()
    clocks.read([bad], BEGIN, timedelta())
    assert clocks.found == {}


def planes(host: float | None = 0.0, **ahead: float) -> View:
    """A cluster with a worker, and with these control planes."""
    seen = view(host_ahead=host, server_clocks=ahead)
    object.__setattr__(seen, "nodes", tuple(_as_plane(each, ahead) for each in seen.nodes))
    return seen


def _as_plane(node: Any, ahead: dict[str, float]) -> Any:
    roles = ["control-plane"] if node.status.name in {"n0", "n1"} else ["worker"]
    status = node.status.model_copy(update={"roles": roles})
    return type(node)(status, node.conditions, node.changed)


def test_the_control_plane_that_is_off_is_told_and_no_other() -> None:
    (skew,) = found(planes(n0=0.0, n1=600.0))
    assert (skew.name, skew.hold) == ("n1", skews.RENEWAL_HOLD)
    assert "10 min ahead of the API server's" in skew.message
    # The one that answers is off: this host decides.
    (skew,) = found(planes(-600.0, n0=0.0, n1=-600.0))
    assert skew.name == "n0"


def test_what_leases_do_not_say_yet_is_not_over() -> None:
    life = Life()
    assert (Change.BEGAN, "ClockSkew") in life.see(planes(n0=0.0, n1=600.0))
    assert "ClockSkew" not in [each for _, each in life.see(planes())]
    assert "ClockSkew" not in [each for _, each in life.see(planes(n0=0.0, n1=600.0))]
    assert (Change.ENDED, "ClockSkew") in life.see(planes(n0=0.0, n1=0.0))


def test_a_watch_reads_them_with_its_heartbeat(
    apis: Apis, watching: Begin, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skews, "RENEWAL_HOLD", 1.0)
    cluster = apis.add("c", 3)
    cluster.put(NODES_PATH, watched_api.node("n1", is_plane=True))
    for name in ("etcd", *COMPONENTS):
        cluster.put(PODS_PATH, component(name, "n1"))
    cluster.api_servers = {"n0": timedelta(), "n1": timedelta(minutes=-3)}
    watch = watching("c")
    watch.until_told("began ClockSkew n1")
    assert watch.events[0].message.startswith("its clock is 2 min 5") or (
        watch.events[0].message.startswith("its clock is 3 min")
    )
    cluster.api_servers["n1"] = timedelta()
    watch.until_told("began ClockSkew n1", "ended ClockSkew n1")
