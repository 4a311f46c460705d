"""A host that is given back: what was a cluster's is gone, and everything else is as it was."""

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.artifacts.bundle import Bundle
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.hosts.bundles import wanted
from tests.ops.hosts.steps import changes, condition, prepare

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()

# What people have: Debian's etcd-server, podman's rules, rules of their own, disks, settings.
THEIRS = """
mkdir -p /var/lib/etcd/default/member /var/lib/cni/networks/podman /opt/cni/bin /var/lib/kubelet
echo data >/var/lib/etcd/default/member/db
echo 10.88.0.2 >/var/lib/cni/networks/podman/10.88.0.2
echo plugin >/opt/cni/bin/their-plugin
mount -t tmpfs kubelet /var/lib/kubelet; mkdir /var/lib/kubelet/lost+found
ip link add their-bridge type bridge
ip netns add cni-theirs; ip netns exec cni-theirs sleep infinity >/dev/null 2>&1 & disown
iptables -t nat -N CNI-HOSTPORT-DNAT
iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
iptables -t nat -N KUBE-BACKUP
iptables -t nat -A POSTROUTING -m comment --comment "not for KUBE-SERVICES" -j MASQUERADE
iptables -A FORWARD -m comment --comment "FLANNEL, CNI-DN and -j KUBE-FORWARD" -j ACCEPT
ipset create califragilistic hash:ip
sysctl --quiet --write net.ipv4.ip_forward=0
printf '\\n10.1.1.1 their-name\\n\\n' >>/etc/hosts
"""
# What a cluster leaves on a worker that was cut off.
CLUSTER = """
mkdir -p /etc/kubernetes/manifests /var/lib/kubelet/pods/1 /run/flannel /var/log/pods/1
mkdir -p /var/lib/cni/networks/cbr0 /etc/cni/net.d /var/lib/cni/results /usr/libexec/kubernetes
mkdir -p /var/log/kubernetes/audit; touch /var/log/kubernetes/audit/audit.log
mkdir -p /var/lib/cni/flannel; touch /var/lib/cni/flannel/0123456789abcdef
touch /etc/kubernetes/kubelet.conf /var/lib/kubelet/pods/1/x /run/flannel/subnet.env
touch /etc/cni/net.d/10-flannel.conflist /var/lib/cni/results/cbr0-1-eth0
touch /var/lib/cni/networks/cbr0/10.244.1.2
mount -t tmpfs pod /var/lib/kubelet/pods/1
ip link add cni0 type bridge; ip netns add cni-1
iptables -t nat -N KUBE-SERVICES; iptables -t nat -N KUBE-SVC-ABCDEFGHIJKLMNOP
iptables -t nat -A PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES
iptables -t nat -A KUBE-SERVICES -d 10.96.0.1 -j KUBE-SVC-ABCDEFGHIJKLMNOP
iptables -N KUBE-FORWARD; iptables -I FORWARD -j KUBE-FORWARD
iptables -t nat -N CNI-DN-0123456789abcdef01234
iptables -t nat -A CNI-HOSTPORT-DNAT -m comment --comment 'dnat name: "cbr0" id: "1"' \\
  -j CNI-DN-0123456789abcdef01234
iptables -t mangle -N KUBE-PROXY-CANARY
mkdir -p /run/calico; touch /run/calico/{10-canal.conflist,share} /opt/cni/bin/calico
ln -s /run/calico/10-canal.conflist /etc/cni/net.d/10-canal.conflist
ln -s /run/calico/10-calico.conflist /etc/cni/net.d/10-calico.conflist
ip link add vxlan.calico type vxlan id 4096 dstport 4789 dev lo
ip route add blackhole 10.244.9.0/24 proto 80
ipset create cali40s:VRHDFx2U5AYkqYrYWTM- hash:net; iptables -N cali-FORWARD
iptables -A cali-FORWARD -m set --match-set cali40s:VRHDFx2U5AYkqYrYWTM- src -j RETURN
iptables -I FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
iptables -A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m mark --mark 0x10000 -j ACCEPT
"""


def test_what_is_not_a_cluster_s_is_as_before(host: BareHost, bundle: Bundle) -> None:
    host.shell(THEIRS)
    namespaces = host.shell("ip netns; ls /var/lib/kubelet; cat /etc/hosts")
    before = condition(host)
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    assert prepare(host).status == 0
    host.shell(CLUSTER)
    HOSTS.delete("", outs)
    assert changes(host, before) == {}
    assert host.shell("ip netns; ls /var/lib/kubelet; cat /etc/hosts") == namespaces
