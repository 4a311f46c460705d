"""What `fleet certs` and `fleet backup` read on machines of a real cluster."""

from pathlib import Path

import pytest

from model import snapshot
from model.pki.ledger import Status
from ops.hosts import certificates, snapshots
from ops.hosts.inventory import InventoryMachine
from tests.node.cluster import Member

pytestmark = [pytest.mark.root, pytest.mark.slow]
# As `kubeadm certs check-expiration` has them, and the kubelet's.
NAMES = {
    *("admin.conf", "apiserver", "apiserver-etcd-client", "apiserver-kubelet-client"),
    *("controller-manager.conf", "etcd-healthcheck-client", "etcd-peer", "etcd-server"),
    *("front-proxy-client", "scheduler.conf", "ca", "etcd-ca", "front-proxy-ca"),
}
KUBELET = {"kubelet.conf", "kubelet-serving"}
KEYS = {"service-account", "ssh_host_ed25519_key"}


def in_inventory(member: Member) -> InventoryMachine:
    spec = member.spec
    return InventoryMachine(
        member.name, "one", spec.role, "", spec.bare_address, "container", member.login
    )


def test_every_certificate_and_key_of_a_machine_is_known(
    control_plane: Member, worker: Member
) -> None:
    first, second = certificates.read([in_inventory(control_plane), in_inventory(worker)])
    for ledger in (first, second):
        assert not ledger.unreadable and not ledger.missing
        assert {found.status for found in ledger.certificates} == {Status.VALID}
    assert {found.name for found in first.certificates} >= NAMES | KUBELET
    assert {found.name for found in second.certificates} >= {"ca", *KUBELET}
    issuers = {found.name: found.authority for found in first.certificates}
    assert (issuers["etcd-peer"], issuers["front-proxy-client"]) == ("etcd-ca", "front-proxy-ca")
    assert {issuers[name] for name in ("apiserver", "scheduler.conf", "kubelet.conf")} == {"ca"}
    assert {key.name for key in first.keys} >= KEYS


def test_a_snapshot_is_taken_and_copied(control_plane: Member, tmp_path: Path) -> None:
    machine = in_inventory(control_plane)
    snapshots.take(machine)
    found = snapshots.read([machine], verify=True)
    assert not found.findings and not found.unreadable
    newest = found.snapshots[0]
    assert newest.state == "intact"
    checksum = snapshots.copy(machine, newest, tmp_path / "one.db")
    assert snapshot.read(str(tmp_path / "one.db")).sha256 == checksum
