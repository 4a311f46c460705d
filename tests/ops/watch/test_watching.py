"""What is noticed in a cluster, and what is not taken for something."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.kube.cluster_status import APPS
from ops.watch import findings, follower, slow, watcher
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch import watched_api
from tests.ops.watch.conftest import Watching
from tests.ops.watch.watched_api import (
    Apis,
    Cluster,
    component,
    differs,
    node,
    probe,
    reaches,
    says,
)

Begin = Callable[..., Watching]


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def stop_kubelet(cluster: Cluster) -> None:
    cluster.put(NODES_PATH, node("n1", ready="Unknown"))


def edit_file(cluster: Cluster) -> None:
    cluster.log("probe-n1", "host", says(differs("/etc/x"), differs("/etc/y")))


def stop_etcd(cluster: Cluster) -> None:
    cluster.put(PODS_PATH, component("etcd", "n0", ready="False"))


def delete_scheduler(cluster: Cluster) -> None:
    cluster.remove(PODS_PATH, "kube-scheduler-n0")


def fill_etcd(cluster: Cluster) -> None:
    cluster.stale_leaders |= {"kube-scheduler", "kube-controller-manager"}


def stop_schedulers(cluster: Cluster) -> None:
    cluster.stale_leaders |= {"kube-scheduler"}


def expire(cluster: Cluster) -> None:
    cluster.log("probe-n1", "host", says(certificates={"kubelet": now() - 5, "x": now() + 9999}))


def fail_backup(cluster: Cluster) -> None:
    failed = {"time": now(), "failure": "no space left on device"}
    cluster.log("probe-n0", "host", says(backup=failed))


def miss_backups(cluster: Cluster) -> None:
    cluster.log("probe-n0", "host", says(backup={"time": now() - 3 * 86400, "failure": ""}))


def break_network(cluster: Cluster) -> None:
    lost = {watched_api.address(1): "2026-11-27T08:00:00Z"}
    cluster.log("probe-n0", "probe", reaches(3, 0, lost))


def isolate(cluster: Cluster) -> None:
    lost = {watched_api.address(1): "2026-11-27T08:00:00Z"}
    for index in (0, 2):
        cluster.log(f"probe-n{index}", "probe", reaches(3, index, lost))


def stop_reporting(cluster: Cluster) -> None:
    cluster.log("probe-n1", "host", says(reporting=False))


def break_dns(cluster: Cluster) -> None:
    cluster.put(PODS_PATH, watched_api.pod("coredns", "n0", {"k8s-app": "kube-dns"}, ready="False"))


def break_proxy(cluster: Cluster) -> None:
    thing = cluster.objects[APPS[0]]["kube-proxy"]
    status = {"desiredNumberScheduled": 3, "numberReady": 1}
    cluster.put(APPS[0], {**thing, "status": status})


def press(cluster: Cluster) -> None:
    thing = node("n1")
    pressed = {"type": "DiskPressure", "status": "True", "message": "disk is full"}
    thing["status"]["conditions"].append(pressed)
    cluster.put(NODES_PATH, thing)


def refuse_logs(cluster: Cluster) -> None:
    path = f"{PODS_PATH}/probe-n1/log"
    asked = "https://10.88.0.12:10250/containerLogs/kube-system/probe-n1/host"
    why = f'Get "{asked}": dial tcp 10.88.0.12:10250: connect: connection refused'
    cluster.failures = {path: (500, why)}
    cluster.end_logs("probe-n1")


def delete_probe(cluster: Cluster) -> None:
    for path, name in ((APPS[0], "kubeadm-fleet-probe"), (PODS_PATH, "probe-n0")):
        cluster.remove(path, name)
    for name in ("probe-n1", "probe-n2"):
        cluster.remove(PODS_PATH, name)


def delete_proxy(cluster: Cluster) -> None:
    cluster.remove(APPS[0], "kube-proxy")


def lose_probe(cluster: Cluster) -> None:
    cluster.put(PODS_PATH, probe("n1", 1, ready="False"))


FAULTS: dict[str, tuple[Callable[[Cluster], None], list[str]]] = {
    "a kubelet stops": (stop_kubelet, ["NotReady n1"]),
    "a kubelet refuses connections": (refuse_logs, ["KubeletUnreachable n1"]),
    "the probe is deleted": (
        delete_probe,
        ["ObjectMissing DaemonSet kube-system/kubeadm-fleet-probe"],
    ),
    "kube-proxy is deleted": (delete_proxy, ["AddOnNotReady"]),
    "a disk is full": (press, ["DiskPressure n1"]),
    "files are edited": (edit_file, ["HostDrift n1", "HostDrift n1"]),
    "etcd stops": (stop_etcd, ["ComponentNotReady n0"]),
    "a scheduler is deleted": (delete_scheduler, ["ComponentNotReady n0"]),
    "etcd takes no writes": (fill_etcd, ["WritesFail"]),
    "no scheduler leads": (stop_schedulers, ["LeaderMissing"]),
    "certificates expire": (expire, ["CertificateExpired n1", "CertificateExpires n1"]),
    "a snapshot fails": (fail_backup, ["BackupFailed n0"]),
    "snapshots are missed": (miss_backups, ["BackupOverdue"]),
    "one way between Nodes": (break_network, ["PodsUnreachable n0"]),
    "no way to a Node": (isolate, ["PodsUnreachable n1"]),
    "a machine is silent": (stop_reporting, ["HostNotReporting n1"]),
    "DNS fails": (break_dns, ["DNSNotReady"]),
    "an add-on fails": (break_proxy, ["AddOnNotReady"]),
    "a probe fails": (lose_probe, ["ProbeNotReady n1"]),
}


def test_faults_are_told_within_30_seconds_and_no_other(apis: Apis, watching: Begin) -> None:
    """One cluster for each fault, all at the same time, and one that has none."""
    names = {f"c{index}": fault for index, fault in enumerate(FAULTS)}
    for name in (*names, "fine"):
        apis.add(name, 3)
    watch = watching(*names, "fine")
    watch.until_known(*names, "fine")
    assert watch.told() == []
    for name, fault in names.items():
        FAULTS[fault][0](apis.clusters[name])
    begin, took = time.monotonic(), dict[str, float]()

    def are_told() -> bool:
        for name, fault in names.items():
            if len(watch.told(name)) >= len(FAULTS[fault][1]):
                took.setdefault(fault, time.monotonic() - begin)
        return took.keys() == FAULTS.keys()

    watch.until(are_told)
    # Whatever follows from them would be told soon after.
    watch.quiet(2)
    print(*(f"{fault}: told after {seconds:.1f} s" for fault, seconds in took.items()), sep="\n")
    told = {fault: sorted(watch.told(name)) for name, fault in names.items()}
    assert told == {
        fault: sorted(f"began {each}" for each in expected)
        for fault, (_, expected) in FAULTS.items()
    }
    assert watch.told("fine") == []
    assert all(event.fix and event.runbook for event in watch.events)


def test_an_end_is_told_once(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 3)
    watch = watching("c")
    watch.until_known("c")
    stop_kubelet(cluster)
    edit_file(cluster)
    began = ["began NotReady n1", "began HostDrift n1", "began HostDrift n1"]
    watch.until_told(*began)
    cluster.put(NODES_PATH, node("n1"))
    watch.until_told(*began, "ended NotReady n1")
    cluster.log("probe-n1", "host", says())
    watch.until_told(*began, "ended NotReady n1", *["ended HostDrift n1"] * 2)


def test_what_a_silent_node_reported_is_neither_over_nor_told_again(
    apis: Apis, watching: Begin
) -> None:
    cluster = apis.add("c", 3)
    watch = watching("c")
    watch.until_known("c")
    edit_file(cluster)
    drift = ["began HostDrift n1"] * 2
    watch.until_told(*drift)
    stop_kubelet(cluster)
    cluster.remove(PODS_PATH, "probe-n1")
    watch.until_told(*drift, "began NotReady n1")
    watch.quiet(2)
    assert watch.fleet.state.is_settled("c")
    cluster.remove(NODES_PATH, "n1")
    watch.until_told(*drift, "began NotReady n1", "ended NotReady n1", *["ended HostDrift n1"] * 2)


def test_of_a_silent_kubelet_is_told_once(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    watch = watching("c")
    watch.until_known("c")
    lost = node("n1", ready="Unknown")
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    lost["status"]["conditions"] += [{"type": each, "status": "Unknown"} for each in pressures]
    cluster.put(NODES_PATH, lost)
    watch.until_told("began NotReady n1")
    # What it says itself is another fault.
    lost["status"]["conditions"][-1] = {"type": "PIDPressure", "status": "True"}
    cluster.put(NODES_PATH, lost)
    watch.until_told("began NotReady n1", "began PIDPressure n1")


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


def test_clusters_come_and_go_while_it_runs(apis: Apis, watching: Begin) -> None:
    one, two = apis.add("one", 3), apis.add("two", 3)
    stop_kubelet(two)
    watch = watching("one")
    watch.until_known("one")
    stop_kubelet(one)
    watch.until_told("began NotReady n1")
    watch.watch("two")
    watch.until_told("began NotReady n1", "ended NotReady n1", "began NotReady n1")
    assert [event.note for event in watch.events] == ["", "the cluster is not watched any more", ""]
    assert [event.cluster for event in watch.events] == ["one", "one", "two"]


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


def test_a_kubelet_of_a_cordoned_node_may_be_silent(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "KUBELET_HOLD", 1.0)
    cluster = apis.add("c", 2)
    watch = watching("c")
    watch.until_known("c")
    cordoned = node("n1")
    cordoned["spec"] = {"unschedulable": True}
    cluster.put(NODES_PATH, cordoned)
    refuse_logs(cluster)
    watch.quiet(4)
    assert watch.told() == []
    cluster.put(NODES_PATH, node("n1"))
    watch.until_told("began KubeletUnreachable n1")
    cluster.failures = {}
    watch.until_told("began KubeletUnreachable n1", "ended KubeletUnreachable n1")


def test_a_log_that_fails_for_another_reason_says_nothing_of_the_kubelet(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "KUBELET_HOLD", 0.0)
    cluster = apis.add("c", 2)
    watch = watching("c")
    watch.until_known("c")
    cluster.failures = {f"{PODS_PATH}/probe-n1/log": (503, "the server is shutting down")}
    cluster.end_logs("probe-n1")
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.silent_hosts))
    watch.quiet(2)
    assert watch.told() == []


@pytest.mark.parametrize("network", watcher.NETWORK_PATHS)
def test_only_the_own_pod_network_can_be_read(apis: Apis, watching: Begin, network: str) -> None:
    cluster = apis.add("c", 2)
    cluster.failures = {
        path: (403, "forbidden") for path in watcher.NETWORK_PATHS if path != network
    }
    watch = watching("c")
    watch.until_known("c")
    workload = {"spec": {"template": {"spec": {"containers": [{"image": "r/p:v1"}]}}}}
    status = {"desiredNumberScheduled": 2, "numberReady": 1}
    for name in ("kube-flannel-ds", "calico-node"):
        cluster.put(network, {"metadata": {"name": name}, "status": status, **workload})
    watch.until_told("began AddOnNotReady", "began AddOnNotReady")


def test_etcds_size_is_compared_with_its_quota(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow, "FIRST_SECONDS", 0.1)
    cluster = apis.add("c", 2)
    etcd = component("etcd", "n0")
    etcd["spec"]["containers"][0]["command"] = ["etcd", "--quota-backend-bytes=1000000000"]
    cluster.put(PODS_PATH, etcd)
    cluster.metrics = '# HELP x y\napiserver_storage_size_bytes{cluster="e"} 8.5e+08\nother 1\n'
    watch = watching("c")
    watch.until_told("began EtcdSpace")


def test_a_cordoned_node_is_told_only_if_it_stays_so(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = apis.add("c", 2)
    cordoned = node("n1")
    cordoned["spec"] = {"unschedulable": True}
    cluster.put(NODES_PATH, cordoned)
    watch = watching("c")
    watch.until_known("c")
    watch.quiet(3)
    assert watch.told() == []
    monkeypatch.setattr(findings, "HOLDS", {"Cordoned": 1.0})
    watch = watching("c")
    watch.until_told("began Cordoned n1")


def test_a_cluster_of_one_node_without_probes_is_watched(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 1)
    cluster.remove(PODS_PATH, "probe-n0")
    for path, name in watched_api.OURS:
        cluster.remove(path, name)
    watch = watching("c")
    watch.until(lambda: watch.fleet.seen()["c"].snapshot.is_known)
    watch.quiet(3)
    assert watch.told() == []
    cluster.remove(NODES_PATH, "n0")
    watch.until_told("began NoNodes")


def test_a_new_pod_is_followed_and_one_that_is_gone_is_not(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    watch = watching("c")
    watch.until_known("c")
    cluster.remove(PODS_PATH, "probe-n1")
    new: dict[str, Any] = probe("n1", 1)
    new["metadata"]["name"] = "probe-new"
    cluster.log("probe-new", "probe", reaches(2, 1))
    cluster.log("probe-new", "host", says(differs("/etc/x")))
    cluster.put(PODS_PATH, new)
    watch.until_told("began HostDrift n1")
    open_streams = {(each.path, each.container) for each in cluster.streams if each.is_open}
    assert not [path for path, _ in open_streams if "probe-n1" in path]


def test_a_report_in_pieces_is_skipped(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    cluster.log("probe-n1", "host", '"half": "of a line"}}')
    watch = watching("c")
    watch.until(lambda: bool(watch.fleet.seen()["c"].view.silent_hosts))
    cluster.log("probe-n1", "host", says(differs("/etc/x")))
    watch.until_told("began HostDrift n1")
    assert follower.TAIL == 2


def test_certificates_far_in_the_future_are_fine(apis: Apis, watching: Begin) -> None:
    cluster = apis.add("c", 2)
    later = datetime.now(UTC) + timedelta(days=8)
    cluster.log("probe-n1", "host", says(certificates={"x": int(later.timestamp())}))
    watch = watching("c")
    watch.until_known("c")
    watch.quiet(1)
    assert watch.told() == []
