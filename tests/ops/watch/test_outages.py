"""An API that does not answer, connections that end, and what nobody expects to be sent."""

import pytest

from ops.kube.cluster_status import APPS
from ops.watch import add_ons, leaders, watcher
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch.conftest import Begin
from tests.ops.watch.faults import edit_file, stop_kubelet, stop_schedulers
from tests.ops.watch.watched_api import OURS, Apis, differs, node, says

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("kind", ["refuses", "hangs", "fails", "wants another credential"])
def test_a_cluster_that_does_not_answer_is_told_and_holds_up_no_other(
    apis: Apis, watching: Begin, kind: str
) -> None:
    cluster, fine = apis.add("c", 2), apis.add("fine", 2)
    failures = {
        "fails": (503, "etcd is unhealthy"),
        "wants another credential": (401, "Unauthorized"),
    }
    watch = watching("c", "fine")
    watch.until_known("c", "fine")
    fine.log("probe-n1", "host", says(differs("/etc/x")))
    if kind == "refuses":
        apis.refuse()
        expected = ["APIUnreachable", "APIUnreachable"]
    else:
        cluster.is_hanging = kind == "hangs"
        cluster.failures = {"*": failures[kind]} if kind in failures else {}
        expected = ["APIUnreachable" if kind == "hangs" else "APIError"]
    # The other one is told at once, unless all of them refuse.
    began = ["began HostDrift n1", *(f"began {each}" for each in expected)]
    took = watch.until_told(*began)
    print(f"{kind}: told after {took:.1f} s")
    cluster.is_hanging, cluster.failures = False, {}
    if kind == "refuses":
        apis.listen()
    watch.until_told(*began, *(f"ended {each}" for each in expected))


def test_a_cluster_that_is_dead_from_the_beginning_is_told(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    cluster.is_hanging = True
    watch = watching("c")
    watch.until_told("began APIUnreachable")
    stop_kubelet(cluster)
    cluster.is_hanging = False
    cluster.cut()
    watch.until_told("began APIUnreachable", "ended APIUnreachable", "began NotReady n1")


def test_a_restart_tells_nothing_twice_and_misses_no_end(apis: Apis, watching: Begin) -> None:
    one, two, dead = apis.add("one", 3), apis.add("two", 3), apis.add("dead", 2)
    dead.is_hanging = True
    watch = watching("one", "two", "dead")
    watch.until_known("one", "two")
    stop_kubelet(one)
    edit_file(two)
    watch.until_told("began NotReady n1", *["began HostDrift n1"] * 2, "began APIUnreachable")
    again = watching("one", "two", "dead")
    again.until_known("one", "two")
    again.quiet(watcher.UNREACHABLE_SECONDS + 2)
    assert again.told() == []
    two.log("probe-n1", "host", says(differs("/etc/y")))
    third = watching("one", "two", "dead")
    third.until_told("ended HostDrift n1")


@pytest.mark.parametrize("is_restart", [True, False], ids=["a restart", "an outage"])
def test_a_leader_that_is_missing_is_still_missing_after(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch, is_restart: bool
) -> None:
    monkeypatch.setattr(leaders, "SECONDS", 0.5)
    monkeypatch.setattr(leaders, "STALE_SECONDS", 4.0)
    cluster = apis.add("c", 2)
    watch = watching("c")
    watch.until_known("c")
    stop_schedulers(cluster)
    watch.until_told("began LeaderMissing")
    if is_restart:
        watch = watching("c")
    else:
        cluster.failures = {"*": (503, "etcd is unhealthy")}
        watch.quiet(5)
        cluster.failures = {}
    watch.until_known("c")
    watch.quiet(7)
    assert "ended LeaderMissing" not in watch.told()
    assert watch.told().count("began LeaderMissing") == (not is_restart)
    cluster.stale_leaders.clear()
    watch.until(lambda: "ended LeaderMissing" in watch.told())


def test_an_add_on_of_a_list_that_cannot_be_read_has_not_ended(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_ons, "POD_HOLD", 0.2)
    cluster = apis.add("c", 2)
    path, name = OURS[1]
    healthy = cluster.objects[path][name]
    watch = watching("c")
    watch.until_known("c")
    cluster.put(path, {**healthy, "status": {"desiredNumberScheduled": 2, "numberReady": 1}})
    watch.until_told("began AddOnNotReady")
    cluster.failures = {path: (503, "the server is shutting down")}
    watch = watching("c")
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.nodes))
    watch.quiet(3)
    assert watch.told() == []
    cluster.failures = {}
    watch.until_known("c")
    cluster.put(path, healthy)
    watch.until_told("ended AddOnNotReady")


@pytest.mark.parametrize("how", ["cut", "go_away", "compact and cut"])
def test_a_connection_that_ends_loses_nothing(apis: Apis, watching: Begin, how: str) -> None:
    cluster = apis.add("c", 3)
    watch = watching("c")
    watch.until_known("c")
    if how == "compact and cut":
        # 410 Gone: what happened meanwhile is in no watch.
        cluster.compact()
        cluster.objects[NODES_PATH]["n1"] = cluster._versioned(node("n1", ready="Unknown"))
        cluster.compact()
    getattr(cluster, how.split()[-1])()
    if how != "compact and cut":
        stop_kubelet(cluster)
    watch.until_told("began NotReady n1")


def test_an_error_in_the_middle_of_a_watch_lists_again(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 3)
    watch = watching("c")
    watch.until_known("c")
    lists = cluster.asked.count(f"GET {NODES_PATH}")
    cluster.emit(NODES_PATH, b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}\n')
    watch.until(lambda: cluster.asked.count(f"GET {NODES_PATH}") == lists + 1)
    stop_kubelet(cluster)
    watch.until_told("began NotReady n1")


@pytest.mark.parametrize(
    "line",
    [
        b"\x00\xff\n",
        b"[]\n",
        b'"x"\n',
        b'{"type": "ADDED"}\n',
        b'{"type": "ADDED", "object": null}\n',
    ],
)
def test_a_hostile_answer_hides_nothing_else(apis: Apis, watching: Begin, line: bytes) -> None:
    cluster, fine = apis.add("c", 3), apis.add("fine", 3)
    watch = watching("c", "fine")
    watch.until_known("c", "fine")
    for path in (NODES_PATH, PODS_PATH, APPS[0]):
        cluster.emit(path, line)
    cluster.log("probe-n1", "host", line.decode(errors="replace").strip())
    stop_kubelet(cluster)
    stop_kubelet(fine)
    watch.until_told("began NotReady n1", "began NotReady n1")


def test_a_log_that_is_cut_off_or_silent_is_read_again(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.watch.reports.SILENCE", {"probe": 2.0, "host": 2.0})
    cluster = apis.add("c", 3)
    watch = watching("c")
    watch.until_known("c")
    path = f"GET {PODS_PATH}/probe-n1/log"
    before = cluster.asked.count(path)
    watch.until(lambda: cluster.asked.count(path) >= before + 2)
