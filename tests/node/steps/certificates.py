"""The certificates of a control plane on a disk, made by the real kubeadm."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from model import paths
from model.artifacts.bundle import Bundle
from model.pki.certificates import KeyPair, new_authority, new_service_account_key
from model.render import kubeadm, node_paths
from tests.model.examples import CONTAINER, cluster
from tests.node.cluster import VERSION
from tests.node.steps.disk import Disk

CLUSTER = cluster(CONTAINER)
DOCUMENTS = kubeadm.cluster_configuration(CLUSTER)


def lay_foundation(disk: Disk, age: timedelta = timedelta(0)) -> None:
    """Write what a control plane has before its certificates are issued, with CAs of this age."""
    pki = disk.folder / "etc/kubernetes/pki"
    (pki / "etcd").mkdir(parents=True)
    for name in ("ca", "front-proxy-ca", "etcd/ca"):
        pair = new_authority(name, timedelta(days=2))
        (pki / f"{name}.crt").write_text(aged(pair, age) if age else pair.cert_pem)
        (pki / f"{name}.key").write_text(pair.key_pem)
    for kind, text in zip(("key", "pub"), new_service_account_key(), strict=True):
        (pki / f"sa.{kind}").write_text(text)
    machine = CLUSTER.control_planes[0]
    for path, text in (
        (node_paths.INIT_CONFIGURATION, kubeadm.init_configuration(machine)),
        (node_paths.LEAF_CONFIGURATION, kubeadm.leaf_configuration(CLUSTER)),
    ):
        Path(f"{disk.folder}{path}").write_text(text)
    (disk.state / "run").mkdir()


def aged(authority: KeyPair, age: timedelta) -> str:
    """Return the certificate of a CA as it is after this time, of a validity twice as long."""
    found = x509.load_pem_x509_certificate(authority.cert_pem.encode())
    key = serialization.load_pem_private_key(authority.key_pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    builder = x509.CertificateBuilder(
        issuer_name=found.issuer,
        subject_name=found.subject,
        public_key=key.public_key(),
        serial_number=found.serial_number,
        not_valid_before=datetime.now(UTC) - age,
        not_valid_after=datetime.now(UTC) + age,
        extensions=list(found.extensions),
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def preamble() -> str:
    """Return what a call of a script's functions needs: the programs, and a scratch folder."""
    programs = Bundle.load(paths.bundle_dir(VERSION)).folder / "bin"
    return f"""
    set -Eeuo pipefail; umask 022
    export PATH={programs}:$PATH
    RUN=$STATE/run LIB_STARTED=$EPOCHREALTIME
    say() {{ echo "$*"; }}
    """


def run(disk: Disk, call: str, script: str = "leaves") -> str:
    """Run a function, which must succeed; return what it printed."""
    ended = disk.run(f"{preamble()}{call}", script)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def issue(disk: Disk, documents: str = DOCUMENTS) -> None:
    """Issue all certificates."""
    text = (disk.state / "init-configuration.yaml").read_text()
    (disk.state / "documents.yaml").write_text(f"{text}---\n{documents}")
    run(disk, 'issue_leaves "$STATE/documents.yaml"')


def shown(path: Path, *options: str) -> str:
    """What openssl shows of a certificate."""
    command = ["openssl", "x509", "-noout", "-in", str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
