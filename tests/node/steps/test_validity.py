"""scripts/node/validity.sh and issuance.sh: certificates that are missing or have expired."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.pki import certificates
from tests.node.steps.disk import Disk

CA = certificates.new_authority("kubernetes", timedelta(days=1))
STAND_INS = """
systemctl() { echo "systemctl $*" >>"$STATE/calls"; }
set -Eeuo pipefail
"""


@pytest.fixture
def pki(disk: Disk) -> Path:
    """The folder of the kubelet's certificates."""
    folder = disk.folder / "var/lib/kubelet/pki"
    folder.mkdir(parents=True)
    return folder


def invalid(disk: Disk) -> str:
    ended = disk.run(f"{STAND_INS}invalid_certificates", "validity")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_certificate_that_cannot_be_used_is_named(disk: Disk, pki: Path) -> None:
    assert invalid(disk) == "kubelet-client\tis missing\n"
    for minutes, said in (
        (5, ""),
        (-1, f"kubelet-client\texpired on {datetime.now(UTC):%Y-%m-%d} "),
    ):
        valid, age = timedelta(minutes=minutes), timedelta(hours=1)
        pair = certificates.issue_client(CA, "system:node:node", [], valid, age)
        (pki / "kubelet-client-current.pem").write_text(pair.cert_pem)
        assert invalid(disk).startswith(said)
        assert bool(invalid(disk)) == bool(said)


def test_a_kubelet_gets_a_credential_by_the_link_that_it_reads(disk: Disk, pki: Path) -> None:
    pair = certificates.kubelet_credential(CA, "node")
    settings = f"KUBELET_CERTIFICATE='{pair.cert_pem}{pair.key_pem}'\n"
    ended = disk.run(f"{settings}{STAND_INS}install_kubelet_certificate", "issuance")
    assert ended.returncode == 0, ended.stderr
    link = pki / "kubelet-client-current.pem"
    assert link.is_symlink()
    assert link.read_text().startswith(pair.cert_pem)
    assert link.stat().st_mode & 0o777 == 0o600
    assert (disk.state / "calls").read_text().splitlines()[-1] == "systemctl restart kubelet"
