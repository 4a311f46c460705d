"""scripts/node/applied_state.sh: a Node that registers again begins with no former pod network."""

from tests.node.steps.disk import Disk

FORMER = (
    "etc/cni/net.d/10-calico.conflist",
    "etc/cni/net.d/10-canal.conflist",
    "etc/cni/net.d/10-flannel.conflist",
    "run/calico/10-calico.conflist",
    "run/calico/10-canal.conflist",
    "run/calico/share",
    "run/flannel/subnet.env",
    "var/lib/cni/networks/cbr0/10.244.2.7",
    "var/lib/cni/results/cbr0-0123-eth0",
    "var/lib/cni/results/cni-loopback-0123-lo",
)
OTHERS = ("var/lib/cni/networks/podman/10.88.0.2", "var/lib/cni/results/podman-0123-eth0")
STAND_INS = """
ip() { echo "ip $*" >>"$STATE/calls"; }
systemctl() { echo "systemctl $*" >>"$STATE/calls"; [[ $1 != start ]] || files; }
files() { (cd %s && find etc/cni run/flannel var/lib/cni -type f | sort) >"$STATE/at-start"; }
"""


def test_the_former_pod_network_is_gone_before_the_kubelet_starts(disk: Disk) -> None:
    """cni0 keeps its address, and host-local what it gave away, whatever flannel says later."""
    for name in (*FORMER, *OTHERS):
        (disk.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (disk.folder / name).touch()
    ran = disk.run(f"{STAND_INS % disk.folder}register", "applied_state")
    assert ran.returncode == 0, ran.stderr
    assert (disk.state / "calls").read_text().splitlines() == [
        "systemctl stop kubelet",
        "ip link delete cni0",
        "ip link delete flannel.1",
        "ip link delete flannel-v6.1",
        "ip link delete vxlan.calico",
        "ip -4 route flush type blackhole protocol 80",
        "systemctl start kubelet",
    ]
    assert (disk.state / "at-start").read_text().split() == [*OTHERS]


def test_it_is_registering_until_its_state_is_recorded(disk: Disk) -> None:
    """Its pods are still those of the former Node."""
    kubelet = 'systemctl() { [[ $1 != start ]] || { ls "$STATE"; false; }; }\nip() { :; }\n'
    ran = disk.run(f"{kubelet}register", "applied_state")
    assert (ran.returncode, ran.stdout) == (1, "registering\n")
    settings = "KUBERNETES_VERSION=v1.37.2 CONTROL= KUBELET=k RECORDED=\n"
    facts = "node_facts() { fact file:/a 1; }\n"
    assert disk.run(f"{settings}{facts}record_applied", "applied_state").returncode == 0
    assert [file.name for file in disk.state.iterdir()] == ["applied-state"]
