"""What goes wrong in a watched cluster, and what a watch must tell of it."""

from collections.abc import Callable
from datetime import UTC, datetime

from ops.kube.cluster_status import APPS
from ops.watch.watcher import NODES_PATH, PODS_PATH
from tests.ops.watch import watched_api
from tests.ops.watch.watched_api import Cluster, component, differs, node, probe, reaches, says


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def stop_kubelet(cluster: Cluster) -> None:
    cluster.put(NODES_PATH, node("n1", ready="Unknown"))


def lose_network(cluster: Cluster) -> None:
    why = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
    cluster.put(NODES_PATH, node("n1", ready="False", why=why))


def lose_runtime(cluster: Cluster) -> None:
    why = "[container runtime is down, container runtime network not ready: NetworkReady=false]"
    cluster.put(NODES_PATH, node("n1", ready="False", why=why))


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


def set_clock(cluster: Cluster) -> None:
    cluster.log("probe-n1", "host", says(ahead=-252))


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


def hang(cluster: Cluster) -> None:
    cluster.is_hanging = True


def fail(cluster: Cluster) -> None:
    cluster.failures = {"*": (503, "etcd is unhealthy")}


FAULTS: dict[str, tuple[Callable[[Cluster], None], list[str]]] = {
    "a kubelet stops": (stop_kubelet, ["NotReady n1"]),
    "a Node has no pod network": (lose_network, ["NetworkNotReady n1"]),
    "a container runtime stops": (lose_runtime, ["NotReady n1"]),
    "a kubelet refuses connections": (refuse_logs, ["KubeletUnreachable n1"]),
    "the probe is deleted": (
        delete_probe,
        ["ObjectMissing DaemonSet kube-system/kubeadm-fleet-probe"],
    ),
    "kube-proxy is deleted": (delete_proxy, ["AddOnNotReady"]),
    "a disk is full": (press, ["DiskPressure n1"]),
    "files are edited": (edit_file, ["HostDrift n1", "HostDrift n1"]),
    "a clock is off": (set_clock, ["ClockSkew n1"]),
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
    "an API hangs": (hang, ["APIUnreachable"]),
    "an API fails": (fail, ["APIError"]),
}
