"""What is read on a machine: the table of parts that scripts/node/support.sh works through."""

from dataclasses import dataclass

from model.machine import CONTROL_PLANE
from model.own_namespaces import NETWORK_NAMESPACES
from model.render.node_paths import LOAD_BALANCER_FOLDER
from ops.kube.etcd import ETCDCTL, HEALTH, LIST
from ops.kube.etcd_space import STATUS

# How long a part may take on the machine.
SECONDS = 5
LOCAL_API, LOCAL_ETCD = "https://127.0.0.1:6443", "http://127.0.0.1:2381"
CURL = "curl --disable --silent --show-error --insecure --max-time 3"


@dataclass(frozen=True)
class Part:
    """A file of the archive, or several below `name`: what is read, and how long that may take."""

    name: str
    kind: str
    subject: str
    seconds: int = SECONDS

    def __str__(self) -> str:
        return f"{self.name}\t{self.kind}\t{self.subject}\t{self.seconds}\n"


# The parts that tell most come first: the time may end.
COMMON = (
    Part("facts/uptime.txt", "command", "uptime"),
    Part("facts/memory.txt", "command", "free --mebi"),
    Part("facts/disks.txt", "command", "df --human-readable --print-type"),
    Part("facts/inodes.txt", "command", "df --inodes"),
    Part("facts/failed-units.txt", "command", "systemctl list-units --failed --no-pager --plain"),
    Part("facts/units.txt", "command",
         "systemctl show kubelet containerd --property=Id,ActiveState,SubState,NRestarts,"
         "ExecMainStatus,ActiveEnterTimestamp,MemoryCurrent --no-pager"),
    Part("logs/kubelet.log", "unit", "kubelet.service", 8),
    Part("logs/containerd.log", "unit", "containerd.service", 8),
    Part("logs/kubeadm-fleet.log", "unit", "kubeadm-fleet-*"),
    Part("facts/kernel.txt", "command", "uname --all"),
    Part("facts/os.txt", "command", "cat /etc/os-release"),
    Part("facts/cpus.txt", "command", "lscpu"),
    Part("facts/addresses.txt", "command", "ip -brief address"),
    Part("facts/routes.txt", "command", "ip route"),
    Part("facts/links.txt", "command", "ip -statistics link"),
    Part("facts/listeners.txt", "command", "ss --listening --tcp --udp --numeric --processes"),
    Part("facts/clock.txt", "command", "timedatectl show"),
    Part("facts/pressure.txt", "command",
         "grep --with-filename . /proc/pressure/cpu /proc/pressure/memory /proc/pressure/io"),
    # Without command lines: what is in them is known to nobody.
    Part("facts/processes.txt", "command",
         "ps -e --format pid,ppid,user,rss,pcpu,etime,stat,comm --sort=-rss"),
    Part("facts/containers.txt", "command", "ctr --namespace k8s.io tasks list"),
    Part("facts/images.txt", "command", "ctr --namespace k8s.io images list --quiet"),
    Part("logs/kernel.log", "command", "dmesg --ctime"),
    Part("logs/steps", "files", "/var/log/kubeadm-fleet/*.log"),
    Part("files", "files", "/var/lib/kubelet/config.yaml"),
    Part("files", "files", "/var/lib/kubelet/kubeadm-flags.env"),
    Part("files", "files", "/etc/containerd/config.toml"),
    Part("files", "files", "/etc/systemd/system/*.service.d/*.conf"),
    Part("files", "files", "/etc/resolv.conf"),
    Part("files", "files", "/etc/hosts"),
)  # fmt: skip
ON_CONTROL_PLANES = (
    Part("facts/readyz.txt", "command", f"{CURL} {LOCAL_API}/readyz?verbose"),
    Part("facts/livez.txt", "command", f"{CURL} {LOCAL_API}/livez?verbose"),
    Part("etcd/members.txt", "etcd", " ".join((*ETCDCTL, *LIST)), 8),
    Part("etcd/status.txt", "etcd", " ".join((*ETCDCTL, *STATUS)), 8),
    Part("etcd/health.txt", "etcd", " ".join((*ETCDCTL, *HEALTH)), 8),
    Part("etcd/metrics.txt", "command", f"{CURL} {LOCAL_ETCD}/metrics"),
    Part("logs/kubeadm-fleet-load-balancer.log", "unit", "kubeadm-fleet-haproxy.service"),
    Part("files", "files", "/etc/kubernetes/manifests/*.yaml"),
    Part("files", "files", f"{LOAD_BALANCER_FOLDER}/*.cfg"),
)
SYSTEM_PODS = Part("logs/pods", "pods", "kube-system_*")
# These log no values of Secrets.
COMPONENTS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
    *("coredns", "calico-node", "metrics-server", "kubeadm-fleet-probe"),
)
COMPONENT_PODS = tuple(
    Part("logs/pods", "pods", f"kube-system_{component}-*") for component in COMPONENTS
)
NETWORK_PODS = tuple(
    Part("logs/pods", "pods", f"{namespace}_*") for namespace in NETWORK_NAMESPACES.values()
)
# Units that began with the machine, on any Linux.
LAST = (Part("logs/journal.log", "command", "journalctl --lines=2000 --priority=warning --no-pager"
             " --no-hostname --output=short-iso-precise", 8),)  # fmt: skip


def parts(role: str, *, has_values: bool) -> tuple[Part, ...]:
    """Return the parts of a machine, in their order.

    Logs of pods that may have values of Secrets are read only if these are known (`has_values`).
    """
    first, rest = COMMON[:9], COMMON[9:]
    own = ON_CONTROL_PLANES if role == CONTROL_PLANE else ()
    pods = (SYSTEM_PODS,) if has_values else COMPONENT_PODS
    return (*first, *own, *pods, *NETWORK_PODS, *rest, *LAST)


def is_component(pod: str) -> bool:
    """Whether a pod of kube-system is one that logs no values of Secrets."""
    return any(pod.startswith(f"{component}-") for component in COMPONENTS)
