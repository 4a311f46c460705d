"""scripts/node/host_facts.sh: what of an earlier installation is seen on a host."""

import pytest

from tests.node.steps.disk import Disk

STAND_INS = """
PATHS=
systemctl() { echo "k3s.service loaded active running"; }
dpkg-query() { echo "containerd installed"; echo "docker.io config-files"; }
ip() { printf '1: lo: <UP>\\n4: cni0: <UP>\\n5: veth12@if3: <UP>\\n'; }
for kind in "${BACK_ENDS[@]}"; do
  eval "$kind-save() { printf '*nat\\n:PREROUTING ACCEPT\\n:%s - [0:0]\\n' \
    KUBE-SERVICES CNI-HOSTPORT-DNAT cali-nat KUBE-BACKUP; }"
done
"""


def facts(disk: Disk) -> dict[str, list[str]]:
    ran = disk.run(f"{STAND_INS}other_facts", "host_facts")
    assert ran.returncode == 0, ran.stderr
    lines = (line.split("\t") for line in ran.stdout.replace(str(disk.folder), "").splitlines())
    return {key: value.split() for key, value in lines}


def test_a_host_without_leftovers_has_none(disk: Disk) -> None:
    """Such as an empty folder, or a disk with what mkfs made and fsck found."""
    for folder in ("etc/cni/net.d/sub", "var/lib/etcd/lost+found", "var/lib/kubelet/empty"):
        (disk.folder / folder).mkdir(parents=True)
    for file in ("etc/cni/net.d/README", "var/lib/etcd/lost+found/#12"):
        (disk.folder / file).touch()
    found = facts(disk)
    assert (found["folders"], found["cni"]) == ([], [])


@pytest.mark.parametrize(
    ("path", "fact", "shown"),
    [
        ("/etc/cni/net.d/05-cilium.conflist", "cni", "/etc/cni/net.d/05-cilium.conflist"),
        ("/etc/cni/net.d/87-podman.json", "cni", "/etc/cni/net.d/87-podman.json"),
        ("/var/lib/cni/networks/cbr0/10.244.1.2", "folders", "/var/lib/cni/networks/cbr0"),
        ("/var/lib/etcd/member/snap/db", "folders", "/var/lib/etcd"),
        ("/var/lib/etcd/lost+found.old/db", "folders", "/var/lib/etcd"),
        ("/var/lib/kubelet/pki/kubelet.crt", "folders", "/var/lib/kubelet"),
        ("/run/flannel/subnet.env", "folders", "/run/flannel"),
    ],
)
def test_files_of_an_earlier_cluster_are_seen(disk: Disk, path: str, fact: str, shown: str) -> None:
    file = disk.folder / path[1:]
    file.parent.mkdir(parents=True)
    file.touch()
    assert facts(disk)[fact] == [shown]


def test_interfaces_chains_services_and_packages_are_seen(disk: Disk) -> None:
    found = facts(disk)
    assert found["links"] == ["lo", "cni0", "veth12"]
    assert found["chains"] == ["KUBE-SERVICES", "cali-nat"]
    assert found["services"] == ["k3s.service"]
    assert found["packages"] == ["containerd"]
