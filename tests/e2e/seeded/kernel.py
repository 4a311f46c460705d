"""The kernel's settings and its network, changed on a machine that runs."""

from tests.e2e.seeded.fault import Fault, Place
from tests.e2e.seeded.files import fault

WORKER = Place.WORKER
SETTINGS = "/etc/sysctl.d/90-kubeadm-fleet.conf"
SAVED = "/run/seeded"
NETWORK = ("NODE", "(?i)network|reach")
# All machines have this host's clock, which no namespace has for itself. So not the clock is off,
# but what the machine takes for the time of the API server's answer, which measures the same.
DATE = "/usr/local/bin/date"
LATER = r"""#!/bin/bash
if [[ "$*" == "--utc --date "*" GMT +%s" ]]; then
  echo $(($(/usr/bin/date "$@") + 252))
else
  exec /usr/bin/date "$@"
fi
"""

FAULTS = (
    Fault(
        "a kernel setting is changed",
        WORKER,
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.ip_forward=1",
        ("NODE", r"net[./]ipv4[./]ip_forward"),
        "kubernetes-sigs/kubespray#680; openshift/origin#9931",
        alone=True,
    ),
    fault(
        "the file of kernel settings is edited",
        WORKER,
        SETTINGS,
        f"echo 'net.ipv4.conf.all.rp_filter = 1' >>{SETTINGS}",
        "kubernetes/kubeadm#312",
    ),
    Fault(
        "a Node reaches others only one way",
        WORKER,
        "iptables -I INPUT -p udp --dport 8472 -j DROP",
        "iptables -D INPUT -p udp --dport 8472 -j DROP",
        NETWORK,
        "flannel-io/flannel#654",
        physics=30,
        alone=True,
    ),
    Fault(
        "the route to another Node's pods is missing",
        WORKER,
        f"ip route show dev flannel.1 >{SAVED}; ip route flush dev flannel.1",
        f"while read -r route; do ip route replace $route dev flannel.1; done <{SAVED}",
        NETWORK,
        "flannel-io/flannel#1531",
        physics=30,
        alone=True,
    ),
    Fault(
        "the entry for another Node's tunnel is missing",
        WORKER,
        f"bridge fdb show dev flannel.1 | grep dst >{SAVED}; "
        f"while read -r mac rest; do bridge fdb del $mac dev flannel.1; done <{SAVED}",
        f"while read -r mac _ address _; do "
        f"bridge fdb replace $mac dev flannel.1 dst $address self permanent; done <{SAVED}",
        NETWORK,
        "flannel-io/flannel#654",
        physics=30,
        alone=True,
    ),
    Fault(
        "a firewall blocks the kubelet's port",
        WORKER,
        "iptables -I INPUT -p tcp --dport 10250 ! -i lo -j DROP",
        "iptables -D INPUT -p tcp --dport 10250 ! -i lo -j DROP",
        ("NODE", "10250"),
        "kubernetes/kubernetes#63128",
        # Until metrics-server has asked again and waited; the watch expects no younger Node in it.
        physics=30,
        age=200,
        alone=True,
    ),
    Fault(
        "a disk is full",
        WORKER,
        # One of its own at a path that machines report of; on a worker, nothing else is there.
        "mkdir -p /var/lib/etcd; mount -t tmpfs -o size=1m full /var/lib/etcd; "
        "head -c 1m /dev/zero >/var/lib/etcd/full || true",
        "umount /var/lib/etcd; rmdir /var/lib/etcd",
        ("NODE", r"/var/lib/etcd\b", "(?i)full"),
        "kubernetes-sigs/kubespray (no space left on device)",
    ),
    Fault(
        "a clock is off",
        WORKER,
        f"test ! -e {DATE}; install -m 0755 /dev/stdin {DATE} <<'END'\n{LATER}END",
        f"rm {DATE}",
        ("NODE", r"(?i)\bclock\b", r"\b4 min 1\d s behind\b"),
        "kubernetes/kubernetes#124022; rancher-archives/rke#1123",
    ),
    fault(
        "the disk is full for the kubelet",
        WORKER,
        "/var/lib/kubelet/config.yaml",
        # The disk is this host's: not the space changes, but what the kubelet takes for too little.
        "sed -i '/^evictionHard:/,/^[^ ]/{/^evictionHard:/d;/^ /d}' /var/lib/kubelet/config.yaml; "
        "printf 'evictionHard:\\n  nodefs.available: 99%%\\n' >>/var/lib/kubelet/config.yaml",
        "kubernetes/kubernetes#32542",
        then="systemctl restart kubelet",
        said="(?i)disk",
        physics=30,
        alone=True,
    ),
    fault(
        "process IDs run out for the kubelet",
        WORKER,
        "/var/lib/kubelet/config.yaml",
        "sed -i '/^evictionHard:/,/^[^ ]/{/^evictionHard:/d;/^ /d}' /var/lib/kubelet/config.yaml; "
        "printf 'evictionHard:\\n  pid.available: 99.999%%\\n' >>/var/lib/kubelet/config.yaml",
        "kubernetes/kubernetes PIDPressure",
        then="systemctl restart kubelet",
        said="PID",
        physics=30,
        alone=True,
    ),
)
