"""What is noticed in a cluster, and what is not taken for something."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ops.kube.cluster_status import APPS
from ops.watch import add_ons, collection, denials, findings, follower, slow
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch import watched_api
from tests.ops.watch.conftest import Begin
from tests.ops.watch.faults import edit_file, refuse_logs, stop_kubelet
from tests.ops.watch.watched_api import Apis, component, differs, node, probe, reaches, says

pytestmark = pytest.mark.usefixtures("quick")


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
    began = [*drift, "began NotReady n1"]
    watch.until_told(*began)
    watch.quiet(2)
    assert sorted(watch.told()) == sorted(began)
    assert watch.fleet.state.is_settled("c")
    cluster.remove(NODES_PATH, "n1")
    watch.until_told(*began, "ended NotReady n1", *["ended HostDrift n1"] * 2)


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


@pytest.mark.parametrize("network", denials.NETWORK_PATHS)
def test_only_the_own_pod_network_can_be_read(
    apis: Apis, watching: Begin, network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_ons, "POD_HOLD", 1.0)
    cluster = apis.add("c", 2)
    cluster.failures = {
        path: (403, "forbidden") for path in denials.NETWORK_PATHS if path != network
    }
    watch = watching("c")
    watch.until_known("c")
    workload = {"spec": {"template": {"spec": {"containers": [{"image": "r/p:v1"}]}}}}
    status = {"desiredNumberScheduled": 2, "numberReady": 1}
    for name in ("kube-flannel-ds", "calico-node"):
        cluster.put(network, {"metadata": {"name": name}, "status": status, **workload})
    watch.until_told("began AddOnNotReady", "began AddOnNotReady")


def test_another_pod_networks_namespace_is_seldom_asked_for(
    apis: Apis, watching: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each refusal is in the cluster's audit log, where somebody looks for intruders."""
    monkeypatch.setattr(collection, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(collection, "LONGEST_RETRY_SECONDS", 0.02)
    cluster = apis.add("c", 2)
    (own,) = {path for path in APPS if path.endswith("kube-system/daemonsets")}
    others = denials.NETWORK_PATHS
    cluster.failures = dict.fromkeys((*others, own), (403, "forbidden"))
    watch = watching("c")
    watch.until(lambda: cluster.asked.count(f"GET {own}") > 40)
    assert all(2 < cluster.asked.count(f"GET {path}") < 12 for path in others)


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
