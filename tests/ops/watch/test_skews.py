"""Clocks that are off are told: whose, how far, in which direction, and once."""

import socket
from datetime import timedelta

import pytest

from model.watch.finding import Finding
from ops.watch import findings, skews
from ops.watch.view import Limits, View
from tests.ops.watch.conftest import Begin, Watching
from tests.ops.watch.test_silence import NOW, Life, reports, view
from tests.ops.watch.watched_api import Apis, says


def found(seen: View) -> list[Finding]:
    return [
        each for each in findings.snapshot(seen, Limits()).findings if each.reason == "ClockSkew"
    ]


def saying(host: float | None = 0.0, **aheads: int) -> View:
    """A cluster whose machines say how far their clocks are ahead."""
    backup = {"time": int(NOW.timestamp()), "failure": ""}
    lines = {name: says(ahead=ahead, backup=backup) for name, ahead in aheads.items()}
    silent = {"n0", "n1", "n2"} - set(aheads)
    return view(hosts=reports(*silent, **lines), host_ahead=host)


def test_a_machine_whose_clock_is_off_is_told_at_once() -> None:
    assert found(saying(n0=0, n1=0, n2=0)) == []
    (skew,) = found(saying(n0=0, n1=-252, n2=0))
    assert (skew.name, skew.hold) == ("n1", 0.0)
    assert "4 min 12 s behind the API server's" in skew.message
    assert skew.fix == "fleet ssh n1 timedatectl"
    assert skew.runbook == "docs/runbooks/clock.md"


def test_no_machine_is_told_before_it_is_known_that_the_control_plane_is_not_off() -> None:
    # The control plane's clock was set: one of two workers has said so, this host's shows it.
    (early,) = found(saying(-600.0, n0=0, n1=-600, n2=0))
    assert early.hold == skews.HOLD
    (skew,) = found(saying(-600.0, n0=0, n1=-600, n2=-600))
    assert (skew.name, skew.hold) == ("n0", 0.0)
    assert "10 min ahead of those of most others" in skew.message


def test_a_machine_that_is_silent_has_not_been_corrected() -> None:
    life = Life()
    assert [each for _, each in life.see(saying(n0=0, n1=-252, n2=0))] == ["ClockSkew"]
    assert life.see(saying(n0=0, n2=0)) == []
    stopped = view(hosts=reports(n1=says(reporting=False, ahead=-252)), host_ahead=0.0)
    assert [each for _, each in life.see(stopped)] == ["HostNotReporting"]
    assert life.see(saying(n0=0, n1=-252, n2=0))[0][1] == "HostNotReporting", "that is over"
    assert [each for _, each in life.see(saying(n0=0, n1=0, n2=0))] == ["ClockSkew"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch, quick: None) -> None:
    # Clusters answer one after the other.
    monkeypatch.setattr(skews, "HOLD", 4.0)


def messages(watch: Watching) -> list[str]:
    return [f"{each.event} {each.subject}: {each.message}" for each in watch.events]


def test_this_host_is_told_and_not_all_clusters(apis: Apis, watching: Begin, soon: None) -> None:
    for name in ("a", "b"):
        apis.add(name).ahead = timedelta(minutes=5)
    watch = watching("a", "b")
    watch.until_told("began OwnClockSkew " + socket.gethostname())
    assert " is 5 min behind that of all 2 clusters: " in messages(watch)[0]
    (event,) = watch.events
    assert (event.cluster, event.subject) == ("", socket.gethostname())
    assert event.fix == "timedatectl"
    # A restart repeats nothing.
    again = watching("a", "b")
    again.until_known("a", "b")
    again.quiet(3)
    assert again.events == []
    for name in ("a", "b"):
        apis.clusters[name].ahead = timedelta()
    again.until_told("ended OwnClockSkew " + socket.gethostname())


def test_a_cluster_whose_clock_differs_from_others_is_told(
    apis: Apis, watching: Begin, soon: None
) -> None:
    for name in ("a", "b"):
        apis.add(name)
    apis.clusters["a"].ahead = timedelta(minutes=-5)
    watch = watching("a", "b")
    watch.until_told("began ClockSkew")
    assert messages(watch)[0].startswith(
        "began a: the clock of its API server is 5 min behind this host's: "
    )
    apis.clusters["a"].ahead = timedelta()
    watch.until_told("began ClockSkew", "ended ClockSkew")


def test_a_cluster_that_does_not_answer_says_nothing_of_clocks(
    apis: Apis, watching: Begin, soon: None
) -> None:
    for name in ("a", "b"):
        apis.add(name).ahead = timedelta(minutes=5)
    watch = watching("a", "b")
    watch.until_told("began OwnClockSkew " + socket.gethostname())
    for name in ("a", "b"):
        apis.clusters[name].failures = {"*": (503, "etcd is unhealthy")}
    watch.until(lambda: watch.told().count("began APIError") == 2)
    watch.quiet(3)
    assert not [each for each in watch.told() if each.startswith("ended")]
