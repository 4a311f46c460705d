"""The metrics of certificates, with the names and labels of x509-certificate-exporter.

Grafana's dashboard 13922, and alert rules written for that program, work with them. What is not
known of a certificate, or does not apply, is an empty label.
https://github.com/enix/x509-certificate-exporter
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from prometheus_client import Metric
from prometheus_client.samples import Sample

from model.pki.leaves import LEAVES
from model.rotation_phases import CA, ETCD_CA, FRONT_PROXY_CA
from ops.watch.look import Look
from ops.watch.metrics import Family, text
from ops.watch.view import View

NAME_PARTS = ("C", "ST", "L", "O", "OU", "CN")
LABELS = (
    *("instance", "filename", "filepath", "embedded_kind", "embedded_key"),
    *("secret_name", "secret_namespace", "secret_key", "serial_number"),
    *(f"{name}_{part}" for name in ("subject", "issuer") for part in NAME_PARTS),
)
EMPTY = dict.fromkeys(LABELS, "")
# The common names of CAs, as kubeadm makes them.
AUTHORITIES = {CA: "kubernetes", ETCD_CA: ETCD_CA, FRONT_PROXY_CA: FRONT_PROXY_CA}
ADMIN, ADMIN_USER = "admin.conf", "kubernetes-admin"
KUBELET_SERVING, KUBELET_SERVING_PATH = "kubelet-serving", "/var/lib/kubelet/pki/serving.pem"

NOT_AFTER = Family("x509_cert_not_after", "When the certificate expires (Unix time).")
NOT_BEFORE = Family("x509_cert_not_before", "When the certificate began to be valid (Unix time).")
EXPIRED = Family("x509_cert_expired", "Whether the certificate has expired: 1, or 0.")
READ_ERRORS = Family(
    "x509_read_errors", "Machines of the cluster whose certificates cannot be read now."
)
# The name of the same in later versions of that program.
SOURCE_ERRORS = Family(
    "x509_source_errors",
    "How often a machine's certificates could no longer be read, since fleet watch was started.",
    type="counter",
)


@dataclass(frozen=True)
class Certificate:
    """A certificate of a machine: its labels, and its validity."""

    labels: dict[str, str]
    begins: datetime | None
    expires: datetime


def metrics(looks: Iterable[Look], now: datetime) -> Iterator[Metric]:
    """Yield the metrics of machines' certificates, which are as of `now`."""
    every = list(looks)
    found = [certificate for each in every for certificate in _certificates(each.view)]
    yield _metric(NOT_AFTER, ((each.labels, each.expires.timestamp()) for each in found))
    yield _metric(
        NOT_BEFORE, ((each.labels, each.begins.timestamp()) for each in found if each.begins)
    )
    yield _metric(EXPIRED, ((each.labels, float(each.expires <= now)) for each in found))
    yield READ_ERRORS.metric(
        ((each.cluster,), float(len(each.view.unread_machines))) for each in every
    )
    yield SOURCE_ERRORS.metric(((each.cluster,), float(each.lapses)) for each in every)


def _metric(family: Family, numbers: Iterable[tuple[dict[str, str], float]]) -> Metric:
    made = Metric(family.name, family.help, family.type)
    made.samples = [Sample(family.name, labels, number) for labels, number in numbers]
    return made


def _certificates(view: View) -> Iterator[Certificate]:
    # A Node may have two probe pods for a moment: the later report holds.
    reports = dict(sorted(view.reports, key=lambda pair: pair[1].time))
    for node, report in reports.items():
        for name, expires in report.certificates.items():
            labels = {"cluster": text(view.cluster), **EMPTY, "instance": text(node)}
            yield Certificate(labels | _file(name), report.issued.get(name), expires)


def _file(name: str) -> dict[str, str]:
    """Return the labels of a leaf's file; one that this program does not know has a name only."""
    if name == KUBELET_SERVING:
        path, authority = KUBELET_SERVING_PATH, CA
    elif name in LEAVES:
        path, authority = LEAVES[name].path, LEAVES[name].authority
    else:
        return {"filename": text(name)}
    labels = {
        "filename": PurePosixPath(path).name,
        "filepath": path,
        "issuer_CN": AUTHORITIES[authority],
    }
    if name == ADMIN:
        labels |= {"embedded_kind": "user", "embedded_key": ADMIN_USER}
    return labels
