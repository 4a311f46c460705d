"""scripts/node/certificate_facts.sh on a disk of the test, and the ledger that follows from it."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.pki import account_tokens, certificates
from model.pki.certificates import KeyPair
from model.pki.ledger import Ledger, Status
from model.pki.ledger_facts import Place, machine_ledger
from tests.node.steps.disk import Disk

CA = certificates.new_authority("kubernetes", timedelta(days=3650))
ETCD_CA = certificates.new_authority("etcd-ca", timedelta(days=3650))
HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJjSxwB9JtVBzyyMFBsnFTyZcCRIO2YhMgQHdFcJmQHX root@node"
)


def place() -> Place:
    return Place("one", "one-control-plane-0", datetime.now(UTC))


def leaf(authority: KeyPair = CA, name: str = "leaf", days: float = 365) -> KeyPair:
    return certificates.issue_client(authority, name, [], timedelta(days=days))


def write(disk: Disk, path: str, text: str) -> Path:
    """Write a file in which paths of a machine are paths on this disk."""
    file = disk.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    moved = text.replace("/etc/", f"{disk.folder}/etc/").replace("/var/", f"{disk.folder}/var/")
    file.write_text(moved)
    return file


def facts(disk: Disk) -> str:
    ran = disk.run("certificate_facts", "certificate_facts")
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    return ran.stdout.replace(str(disk.folder), "")


def ledger(disk: Disk) -> Ledger:
    return machine_ledger(place(), facts(disk).splitlines())


@pytest.fixture
def control_plane(disk: Disk) -> Disk:
    """A control plane whose scheduler has files, and whose admin.conf embeds its certificate."""
    write(disk, "etc/kubernetes/pki/ca.crt", CA.cert_pem)
    write(disk, "etc/kubernetes/pki/ca.key", CA.key_pem)
    write(disk, "etc/kubernetes/pki/etcd/ca.crt", ETCD_CA.cert_pem)
    write(disk, "etc/kubernetes/pki/etcd/server.crt", leaf(ETCD_CA).cert_pem)
    pair = leaf(name="apiserver", days=100)
    write(disk, "etc/kubernetes/pki/apiserver.crt", pair.cert_pem)
    scheduler = leaf(name="system:kube-scheduler")
    write(disk, "etc/kubernetes/scheduler/client.pem", scheduler.key_pem + scheduler.cert_pem)
    write(
        disk,
        "etc/kubernetes/scheduler.conf",
        "users:\n- user:\n    client-certificate: /etc/kubernetes/scheduler/client.pem\n"
        "    client-key: /etc/kubernetes/scheduler/client.pem\n",
    )
    admin = leaf(name="kubernetes-admin")
    encoded = base64.b64encode(admin.cert_pem.encode()).decode()
    authority = base64.b64encode(CA.cert_pem.encode()).decode()
    write(
        disk,
        "etc/kubernetes/admin.conf",
        f"clusters:\n- cluster:\n    certificate-authority-data: {authority}\n"
        f"users:\n- user:\n    client-certificate-data: {encoded}\n"
        f"    client-key-data: {base64.b64encode(admin.key_pem.encode()).decode()}\n",
    )
    write(
        disk,
        "etc/kubernetes/manifests/kube-apiserver.yaml",
        "    - --tls-cert-file=/etc/kubernetes/pki/apiserver.crt\n"
        "    - --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt\n",
    )
    kubelet = leaf(name="system:node:node")
    write(disk, "var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem", kubelet.cert_pem)
    (disk.folder / "var/lib/kubelet/pki/kubelet-client-current.pem").symlink_to(
        disk.folder / "var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem"
    )
    write(
        disk,
        "etc/kubernetes/kubelet.conf",
        "    client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem\n",
    )
    return disk


def test_every_certificate_has_one_name_and_its_ca(control_plane: Disk) -> None:
    found = ledger(control_plane)
    assert {entry.name: entry.authority for entry in found.certificates} == {
        "ca": "",
        "etcd-ca": "",
        "etcd-server": "etcd-ca",
        "apiserver": "ca",
        "scheduler.conf": "ca",
        "admin.conf": "ca",
        "kubelet.conf": "ca",
    }
    assert not found.unreadable


def test_the_ca_is_one_entry_with_all_its_places(control_plane: Disk) -> None:
    (authority,) = (entry for entry in ledger(control_plane).certificates if entry.name == "ca")
    assert authority.paths == ("/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/ca.crt")
    assert authority.kind == "authority"


def test_a_named_file_that_does_not_exist_is_missing(control_plane: Disk) -> None:
    (missing,) = ledger(control_plane).missing
    assert (missing.name, missing.path, missing.users) == (
        "apiserver-etcd-client",
        "/etc/kubernetes/pki/apiserver-etcd-client.crt",
        ("kube-apiserver",),
    )


def test_a_dangling_link_of_the_kubelet_is_missing(control_plane: Disk) -> None:
    (control_plane.folder / "var/lib/kubelet/pki/kubelet-client-2026-01-01-00-00-00.pem").unlink()
    assert "kubelet.conf" in {missing.name for missing in ledger(control_plane).missing}


def test_no_private_key_is_printed(control_plane: Disk) -> None:
    write(control_plane, "etc/kubernetes/pki/sa.key", leaf().key_pem)
    printed = facts(control_plane)
    decoded = [
        base64.b64decode(line.split("\t")[2]).decode()
        for line in printed.splitlines()
        if line.startswith("embedded\t")
    ]
    assert decoded and not any("PRIVATE KEY" in text for text in (*decoded, printed))
    file = control_plane.folder / "etc/kubernetes/scheduler/client.pem"
    key, _, certificate = file.read_text().partition("-----END EC PRIVATE KEY-----")
    assert "".join(certificate.splitlines()[2:-1]) in printed
    assert not any(line in printed for line in key.splitlines() if len(line) == 64)


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n", CA.cert_pem[:200]],
    ids=["damaged", "cut off"],
)
def test_a_damaged_file_is_unreadable_and_the_others_are_listed(
    control_plane: Disk, text: str
) -> None:
    write(control_plane, "etc/kubernetes/pki/apiserver.crt", text)
    found = ledger(control_plane)
    assert [entry.reason for entry in found.unreadable] == [
        "/etc/kubernetes/pki/apiserver.crt: not a certificate"
    ]
    assert len(found.certificates) == 6


def test_keys_have_an_age_and_host_keys_a_fingerprint(control_plane: Disk) -> None:
    written = 1_700_000_000
    for file in (
        write(control_plane, "etc/kubernetes/pki/sa.key", "key"),
        write(control_plane, "etc/kubernetes/encryption/config.yaml", "keys"),
        write(control_plane, "etc/ssh/ssh_host_ed25519_key.pub", HOST_KEY),
    ):
        os.utime(file, (written, written))
    manifest = "    - --encryption-provider-config=/etc/kubernetes/encryption/config.yaml\n"
    write(control_plane, "etc/kubernetes/manifests/kube-apiserver.yaml", manifest)
    keys = {key.name: key for key in ledger(control_plane).keys}
    assert set(keys) == {"service-account", "encryption-at-rest", "ssh_host_ed25519_key"}
    assert {key.written.timestamp() for key in keys.values()} == {written}
    # As `ssh-keygen -lf` prints it.
    fingerprint = "SHA256:JWw0EuqIdAVV1Z13/VB9lSgg8JCijflpVKSLPD2UeNQ"
    assert keys["ssh_host_ed25519_key"].fingerprint == fingerprint


def test_the_service_account_key_has_the_fingerprint_that_its_tokens_name(
    control_plane: Disk,
) -> None:
    private, public = certificates.new_service_account_key()
    write(control_plane, "etc/kubernetes/pki/sa.key", private)
    (key,) = ledger(control_plane).keys
    assert key.fingerprint == account_tokens.key_id(public)


@pytest.mark.parametrize("name", ["front-proxy-ca", "etcd-ca"])
def test_a_ca_of_a_rotation_is_not_named_twice(control_plane: Disk, name: str) -> None:
    first, second = (certificates.new_authority(name, timedelta(days=9)) for _ in range(2))
    file = (
        "etc/kubernetes/pki/etcd/ca.crt" if name == "etcd-ca" else f"etc/kubernetes/pki/{name}.crt"
    )
    write(control_plane, file, f"{first.cert_pem}{second.cert_pem}")
    found = {entry.fingerprint: entry.name for entry in ledger(control_plane).certificates}
    for pair in (first, second):
        digest = certificates.fingerprint(pair.cert_pem).replace(":", "").lower()
        assert found[digest] == f"{name} ({digest[:8]})"


def test_a_worker_without_its_kubeconfig_is_missing_it(disk: Disk) -> None:
    found = ledger(disk)
    assert [missing.path for missing in found.missing] == ["/etc/kubernetes/kubelet.conf"]
    assert found.findings


def test_an_expired_certificate_is_a_finding(disk: Disk) -> None:
    write(disk, "etc/kubernetes/kubelet.conf", "kubeconfig")
    write(disk, "etc/kubernetes/pki/ca.crt", CA.cert_pem)
    assert not ledger(disk).findings
    write(disk, "etc/kubernetes/pki/apiserver.crt", leaf(days=-0.001).cert_pem)
    found = ledger(disk)
    assert [entry.status for entry in found.certificates if entry.name == "apiserver"] == [
        Status.EXPIRED
    ]
    assert found.findings


def test_certificates_of_the_kubelet_have_its_name(disk: Disk) -> None:
    for name in ("kubelet.crt", "serving.pem", "kubelet-client-current.pem"):
        write(disk, f"var/lib/kubelet/pki/{name}", leaf().cert_pem)
    names = {entry.name for entry in ledger(disk).certificates}
    assert names == {"kubelet", "kubelet-serving", "kubelet-client-current"}


def test_a_response_that_was_cut_off_is_unreadable() -> None:
    found = machine_ledger(place(), ["use\tkubelet\t/etc/kubernetes/kubelet.conf\tpresent"])
    assert [entry.reason for entry in found.unreadable] == ["its response was incomplete"]


def test_certificates_of_one_name_are_told_apart(disk: Disk) -> None:
    person = certificates.new_authority("person:ann", timedelta(days=3650))
    write(disk, "etc/kubernetes/pki/clients/ca.crt", CA.cert_pem + person.cert_pem)
    write(disk, "etc/kubernetes/pki/ca.crt", CA.cert_pem)
    write(disk, "etc/kubernetes/pki/etcd/server.crt", leaf(name="old").cert_pem)
    write(disk, "etc/kubernetes/pki/etcd/server.pem", leaf(name="new").cert_pem)
    assert {entry.name for entry in ledger(disk).certificates} == {
        "ca",
        "clients-ca (person:ann)",
        "etcd-server (server.crt)",
        "etcd-server (server.pem)",
    }


def test_renewals_by_the_clock_are_listed_and_failed_ones_are_findings(disk: Disk) -> None:
    write(disk, "etc/kubernetes/kubelet.conf", "kubeconfig")
    (disk.state / "renewals").write_text(
        "apiserver\t2027-07-28T00:00:00Z\tsucceeded\t2028-07-27T00:00:00Z\n"
        "snapshot\t2027-11-26T00:00:00Z\tfailed\tno space left on device\n"
    )
    found = ledger(disk)
    (renewal,) = found.renewals
    assert (renewal.subject, renewal.details) == ("apiserver", "2028-07-27T00:00:00Z")
    assert renewal.time == datetime(2027, 7, 28, tzinfo=UTC)
    (failure,) = found.failures
    assert (failure.subject, failure.reason) == ("snapshot", "no space left on device")
    assert found.findings
