"""A cluster that was off until all its certificates had expired: one `up` repairs it."""

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
KUBELET = "var/lib/kubelet/pki/kubelet-client-current.pem"
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
COMPONENTS = "^(kube-|etcd)"
# The longest time between the start of a kubelet and its own certificate.
REQUESTED_SECONDS = 120


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(86) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 1},
                }
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet)


def root_of(fleet: PulumiStack, machine: str) -> Path:
    return fleet.machines / "cluster1" / machine / "root"


def kubelet_certificate(fleet: PulumiStack, machine: str) -> Path:
    """The file that the kubelet's link names, as this host sees it."""
    link = root_of(fleet, machine) / KUBELET
    return root_of(fleet, machine) / str(link.readlink()).lstrip("/")


def expired(pem: str, authorities: Path) -> str:
    """The same certificate, but expired an hour ago."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    key = _issuer_key(certificate, authorities)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=366))
        .not_valid_after(now - timedelta(hours=1))
    )
    for extension in certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    signed = builder.sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _issuer_key(certificate: x509.Certificate, authorities: Path) -> ec.EllipticCurvePrivateKey:
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        issuer = x509.load_pem_x509_certificate((authorities / f"{name}.crt").read_bytes())
        if issuer.subject == certificate.issuer:
            key = serialization.load_pem_private_key(
                (authorities / f"{name}.key").read_bytes(), None
            )
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            return key
    raise AssertionError(f"no CA of the cluster issued {certificate.subject}")


def expire(path: Path, authorities: Path) -> None:
    """Let a file's certificate expire: a PEM file, or a kubeconfig with its own."""
    text = path.read_text()
    if path.suffix == ".conf":
        (data,) = re.findall("client-certificate-data: (.*)\n", text)
        former = base64.b64decode(data).decode()
        new = base64.b64encode(expired(former, authorities).encode()).decode()
        path.write_text(text.replace(data, new))
    else:
        path.write_text(CERTIFICATE.sub(lambda found: expired(found[0], authorities), text))


def leaves(root: Path) -> list[Path]:
    """All files of a control plane with leaf certificates."""
    folder = root / "etc/kubernetes"
    pairs = [*folder.glob("pki/**/*.pem"), *folder.glob("pki/**/*.crt")]
    return [
        *(path for path in pairs if not path.stem.endswith("ca")),
        folder / "scheduler/client.pem",
        folder / "admin.conf",
    ]


def test_an_expired_cluster_is_repaired_by_one_up(fleet: PulumiStack, kubectl: Kubectl) -> None:
    machines, root = Machines(fleet), root_of(fleet, PLANE)
    began = datetime.now(UTC)
    for name in (PLANE, WORKER):
        machines.run(name, "systemctl stop kubelet")
        expire(kubelet_certificate(fleet, name), root / "etc/kubernetes/pki")
    for path in leaves(root):
        expire(path, root / "etc/kubernetes/pki")
    machines.run(PLANE, f"pkill --signal KILL '{COMPONENTS}'")
    for name in (PLANE, WORKER):
        machines.run(name, "systemctl start kubelet")

    assert (
        f"{PLANE}: repaired because the API server does not run" in fleet.succeed("preview").output
    )
    fleet.up()

    assert kubectl.node_names() == [PLANE, WORKER]
    await_true(
        lambda: all(_issued(kubelet_certificate(fleet, name)) > began for name in (PLANE, WORKER)),
        "each kubelet to have a certificate of its own",
        REQUESTED_SECONDS,
    )
    assert fleet.preview().changes == {}


def _issued(path: Path) -> datetime:
    """When the certificate was issued: the API backdates by five minutes."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_before_utc + timedelta(minutes=5)
