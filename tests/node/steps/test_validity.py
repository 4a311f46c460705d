"""scripts/node/validity.sh and issuance.sh: certificates that are missing or have expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.pki import certificates
from tests.node.steps.disk import Disk

CA = certificates.new_authority("kubernetes", timedelta(days=1))
STAND_INS = """
LEAVES=(apiserver admin.conf)
leaf_path() { echo "${KUBELET_CLIENT%/*}/$1"; }
leaf_certificate() { openssl x509 -in "$(leaf_path "$1")" 2>/dev/null; }
issue_leaf() { echo "issue_leaf $1 $2" >>"$STATE/calls"; }
systemctl() { echo "systemctl $*" >>"$STATE/calls"; }
control_plane_documents() { echo documents; }
set -Eeuo pipefail
"""


@pytest.fixture
def pki(disk: Disk) -> Path:
    """The folder of the certificates of a control plane; one leaf is missing."""
    folder = disk.folder / "var/lib/kubelet/pki"
    folder.mkdir(parents=True)
    (disk.folder / "etc/kubernetes/controller-manager.conf").write_text("kubeconfig")
    for name, minutes in (("kubelet-client-current.pem", 5), ("apiserver", -1)):
        pair = certificates.issue_client(
            CA, name, [], timedelta(minutes=minutes), timedelta(hours=1)
        )
        (folder / name).write_text(pair.cert_pem)
    return folder


def invalid(disk: Disk) -> list[str]:
    ended = disk.run(f"{STAND_INS}invalid_certificates", "validity")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_certificates_that_cannot_be_used_are_named(disk: Disk, pki: Path) -> None:
    apiserver, admin = invalid(disk)
    now = datetime.now(UTC)
    assert apiserver.startswith(f"apiserver\texpired on {now:%Y-%m-%d} ")
    assert admin == "admin.conf\tis missing"
    (pki / "kubelet-client-current.pem").unlink()
    assert invalid(disk)[0] == "kubelet-client\tis missing"


def test_a_worker_has_its_kubelets_certificate_alone(disk: Disk, pki: Path) -> None:
    (disk.folder / "etc/kubernetes/controller-manager.conf").unlink()
    assert invalid(disk) == []


def test_leaves_that_cannot_be_used_are_issued_and_no_others(disk: Disk, pki: Path) -> None:
    (pki / "admin.conf").write_bytes((pki / "kubelet-client-current.pem").read_bytes())
    ended = disk.run(f"{STAND_INS}issue_invalid_leaves", "issuance")
    assert ended.returncode == 0, ended.stderr
    first, *rest = (disk.state / "calls").read_text().splitlines()
    assert first.startswith("issue_leaf apiserver ")
    assert rest == ["systemctl reset-failed kubelet", "systemctl restart kubelet"]


def test_a_kubelet_gets_a_credential_by_the_link_that_it_reads(disk: Disk, pki: Path) -> None:
    pair = certificates.kubelet_credential(CA, "node")
    settings = f"KUBELET_CERTIFICATE='{pair.cert_pem}{pair.key_pem}'\n"
    ended = disk.run(f"{settings}{STAND_INS}install_kubelet_certificate", "issuance")
    assert ended.returncode == 0, ended.stderr
    link = pki / "kubelet-client-current.pem"
    assert link.is_symlink()
    assert link.read_text().startswith(pair.cert_pem)
    assert link.stat().st_mode & 0o777 == 0o600


def test_a_kubelet_writes_no_certificate_over_the_one_that_it_gets(disk: Disk, pki: Path) -> None:
    """It may have requested one of the CA that signed before."""
    writes = f"ln -sfn of-the-former-ca '{pki}/kubelet-client-current.pem'"
    stop = f'systemctl() {{ [[ $1 != stop ]] || {writes}; echo "$1" >>"$STATE/calls"; }}'
    settings = f"KUBELET_CERTIFICATE=certificate\n{STAND_INS}{stop}\n"
    ended = disk.run(f"{settings}install_kubelet_certificate", "issuance")
    assert ended.returncode == 0, ended.stderr
    assert (pki / "kubelet-client-current.pem").read_text() == "certificate\n"
    assert (disk.state / "calls").read_text().split() == ["stop", "reset-failed", "restart"]


@pytest.fixture
def issued(disk: Disk, pki: Path) -> str:
    """A stand-in of a kubelet, which gets a certificate when it starts: of the former CA first."""
    authority = disk.folder / "etc/kubernetes/pki/ca.crt"
    authority.parent.mkdir(parents=True)
    former = certificates.new_authority("kubernetes", timedelta(days=1))
    authority.write_text(CA.cert_pem + former.cert_pem)
    valid = timedelta(hours=1)
    for number, its in enumerate((former, CA), 1):
        pair = certificates.issue_client(its, "system:node:node", ["system:nodes"], valid)
        (pki / f"own-{number}.pem").write_text(pair.pem)
    start = f"ln -sfn own-$((++STARTS)).pem '{pki}/kubelet-client-current.pem'"
    return (
        "STARTS=0\nSIGNER_SECONDS=0\nlib_begin() { :; }\n"
        f'systemctl() {{ [[ $1 != restart ]] || {start}; echo "$1" >>"$STATE/calls"; }}\n'
    )


def test_a_kubelet_requests_a_certificate_until_it_has_one_of_the_current_ca(
    disk: Disk, pki: Path, issued: str
) -> None:
    """The signer may not have read its CA again; the program's credential serves for minutes."""
    pair = certificates.kubelet_credential(CA, "node")
    settings = f"KUBELET_CERTIFICATE='{pair.pem}'\n{STAND_INS}{issued}"
    ended = disk.run(f"{settings}rotate_kubelet", "issuance")
    assert ended.returncode == 0, ended.stderr
    current = (pki / "kubelet-client-current.pem").read_text()
    assert current == (pki / "own-2.pem").read_text()
    assert (disk.state / "calls").read_text().split().count("restart") == 2
    assert "has a certificate of the current CA" in ended.stdout


def test_valid_leaves_are_read_by_one_process(disk: Disk, pki: Path) -> None:
    valid = (pki / "kubelet-client-current.pem").read_text()
    for name in ("apiserver", "scheduler.conf", "admin.conf"):
        (pki / name).write_text(valid)
    folder = disk.folder / "etc/kubernetes/pki/etcd"
    folder.mkdir(parents=True)
    for path in (folder / "ca.crt", folder.parent / "ca.crt", folder.parent / "front-proxy-ca.crt"):
        path.write_text(CA.cert_pem)
    counted = """
LEAVES=(apiserver scheduler.conf admin.conf)
openssl() { echo "$1" >>"$STATE/calls"; command openssl "$@"; }
"""
    ended = disk.run(f"{STAND_INS}{counted}invalid_leaves", "validity")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    # The other two read admin.conf.
    assert (disk.state / "calls").read_text().split() == ["verify", "x509", "x509"]
