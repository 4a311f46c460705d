"""Certificates of a cluster's machines that expire at once, as if its machines had been off."""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from model.render.renewal import UNIT
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack

CLUSTER = "cluster1"
KUBELET = "var/lib/kubelet/pki/kubelet-client-current.pem"
CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
EMBEDDED = re.compile("client-certificate-data: (.*)\n")
TIMER = f"{UNIT}.timer"
COMPONENTS = "^(kube-|etcd)"


def expire_cluster(
    fleet: PulumiStack, control_planes: Iterable[str], workers: Iterable[str]
) -> None:
    """Let all certificates of the cluster expire, and the program's; restart what reads them.

    Timers start again, as after a boot: they renew leaves in minutes, but not those of kubelets.
    """
    machines, planes = Machines(fleet), [*control_planes]
    every = [*planes, *workers]
    authorities = root_of(fleet, planes[0]) / "etc/kubernetes/pki"
    for name in every:
        machines.run(name, f"systemctl stop kubelet {TIMER if name in planes else ''}")
        expire(kubelet_certificate(fleet, name), authorities)
    for name in planes:
        for path in leaves(root_of(fleet, name)):
            expire(path, authorities)
    for identity in (fleet.folder / "state/identities").glob("*/*"):
        expire(identity, authorities)
    for name in planes:
        machines.run(name, f"pkill --signal KILL '{COMPONENTS}'; systemctl start {TIMER}")
    for name in every:
        machines.run(name, "systemctl start kubelet")


def root_of(fleet: PulumiStack, machine: str) -> Path:
    """Return a machine's file system, as this host sees it."""
    return fleet.machines / CLUSTER / machine / "root"


def kubelet_certificate(fleet: PulumiStack, machine: str) -> Path:
    """Return the file that the kubelet's link names, as this host sees it."""
    link = root_of(fleet, machine) / KUBELET
    return root_of(fleet, machine) / str(link.readlink()).lstrip("/")


def issued(path: Path) -> datetime:
    """Return when the certificate was issued: the API backdates by five minutes."""
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_before_utc + timedelta(minutes=5)


AN_HOUR_AGO = timedelta(hours=-1)


def expire(path: Path, authorities: Path, ends: timedelta = AN_HOUR_AGO) -> None:
    """Let a file's certificate expire: a PEM file, or a kubeconfig with its own.

    `ends` is from now on.
    """
    text = path.read_text()
    if embedded := EMBEDDED.search(text):
        former = base64.b64decode(embedded[1]).decode()
        new = base64.b64encode(expired(former, authorities, ends).encode()).decode()
        path.write_text(text.replace(embedded[1], new))
    else:
        path.write_text(CERTIFICATE.sub(lambda found: expired(found[0], authorities, ends), text))


def expired(pem: str, authorities: Path, ends: timedelta = AN_HOUR_AGO) -> str:
    """The same certificate with another end, from now on."""
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
        .not_valid_after(now + ends)
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


def leaves(root: Path) -> list[Path]:
    """All files of a control plane with leaf certificates; the signer's has its CA."""
    folder = root / "etc/kubernetes"
    pairs = [*folder.glob("pki/**/*.pem"), *folder.glob("pki/**/*.crt")]
    return [
        *(path for path in pairs if not path.stem.endswith(("ca", "signer"))),
        folder / "scheduler/client.pem",
        folder / "admin.conf",
    ]
