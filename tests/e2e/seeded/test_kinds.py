"""The tables of faults, without a cluster."""

import re
import subprocess

import pytest

from tests.e2e.seeded.chapters import CHAPTERS
from tests.e2e.seeded.fault import Fault

NODE, PLANE = "a-worker-0", "a-control-plane-0"
# Lines of the watch, each about one fault and no other.
ON_NODE, ON_PLANE = f"Warning Node {NODE}", f"Warning Node {PLANE}"
LINES = {
    f"{ON_PLANE} CertificateExpires the certificate apiserver expires at 2026-11-29 10:00 UTC": (
        "the API server's certificate expires in two days"
    ),
    f"{ON_PLANE} CertificateExpires the certificate apiserver-etcd-client expires at 2026": None,
    f"{ON_PLANE} CertificateExpires the certificate etcd-peer expires at 2026-11-29": None,
    f"{ON_PLANE} CertificateExpired the certificate etcd-server expired at 2026-11-27": (
        "a certificate of etcd has expired"
    ),
    f"{ON_PLANE} CertificateExpired the certificate scheduler.conf expired at 2026-11-27": (
        "the scheduler's client certificate has expired"
    ),
    f"{ON_NODE} CertificateExpires the certificate kubelet-client expires at 2026-11-29": (
        "the kubelet's client certificate expires in two days"
    ),
    f"{ON_NODE} CertificateExpires the certificate kubelet-serving expires at 2026-11-29": None,
    f"{ON_PLANE} CertificateExpires the certificate kubelet-client expires at 2026-11-29": None,
    f"{ON_NODE} HostDrift kubelet.service is disabled: it would not start at the next boot": (
        "the kubelet is not started at the next boot"
    ),
    f"{ON_NODE} HostDrift /etc/systemd/system/kubelet.service was changed": "a unit is edited",
    f"{ON_PLANE} HostDrift kubeadm-fleet-renewal.timer is inactive": "a timer is disabled",
    f"{ON_PLANE} JobFailed kubeadm-fleet-renewal.service has failed": "a job of a timer fails",
    f"{ON_PLANE} HostDrift /etc/kubernetes/pki/ca.key has mode 644 instead of 600": (
        "everybody may read a private key"
    ),
    f"{ON_PLANE} HostDrift /etc/kubernetes/pki/etcd/ca.key has mode 644 instead of 600": None,
    f"{ON_PLANE} HostDrift /etc/kubernetes/pki/ca.crt was changed": "another CA is trusted",
    f"{ON_PLANE} DiskFull /var/lib/etcd is 91 % full": None,
    f"{ON_PLANE} HostDrift /etc/kubernetes/manifests/kube-scheduler.yaml was changed": (
        "a static pod's manifest is edited"
    ),
}
AMONG = [fault for name in ("files", "services", "leaves") for fault in CHAPTERS[name]]
EVERY = [fault for faults in CHAPTERS.values() for fault in faults]


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [fault.name for fault in EVERY]
    assert len(names) == len(set(names)) >= 50


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=map(str, range(len(LINES))))
def test_a_line_names_one_fault(line: str, expected: str | None) -> None:
    named = [
        fault.name for fault in AMONG if not fault.alone and fault.is_named_in(line, NODE, PLANE)
    ]
    assert named == [expected] * (expected is not None)
    other = line.replace("a-worker", "b-worker").replace("a-control", "b-control")
    assert [fault.name for fault in AMONG if fault.is_named_in(other, NODE, PLANE)] == []


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.name)
def test_a_fault_can_be_read(fault: Fault) -> None:
    assert fault.said, "nothing would have to be said"
    for expression in fault.said:
        assert re.compile(expression).search("") is None, "anything would do"
    for shell in (fault.plant, fault.restore):
        subprocess.run(["bash", "-n", "-c", shell], check=True)
