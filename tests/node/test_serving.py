"""API servers verify kubelets, by the certificates that the program issues for them."""

import time
from datetime import timedelta

import pytest

from model.pki import certificates, serving
from model.pki.certificates import KeyPair
from tests.node.cluster import Member
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
SERVING = "/var/lib/kubelet/pki/serving.pem"
STARTED = "systemctl show --property=ExecMainStartTimestampMonotonic kubelet"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout 20s"


def through_the_kubelet_of(node: str) -> str:
    """A script that runs a program in a Node's kube-proxy: each time over a new connection."""
    pods = f"{KUBECTL} --namespace kube-system get pods --output name"
    proxy = f"--selector k8s-app=kube-proxy --field-selector spec.nodeName={node}"
    return f"{KUBECTL} --namespace kube-system exec $({pods} {proxy}) -- kube-proxy --version"


def test_api_servers_reach_every_kubelet_and_verify_it(
    control_plane: Member, worker: Member
) -> None:
    flag = "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt"
    assert flag in control_plane.shell("cat /etc/kubernetes/manifests/kube-apiserver.yaml")
    for machine in (control_plane, worker):
        assert control_plane.shell(through_the_kubelet_of(machine.name))
        assert machine.shell(f"stat --format '%a %U' {SERVING}") == "600 root\n"
        assert machine.shell("stat --format '%A' /var/lib/kubelet").startswith("drwx"), "as before"
        assert machine.shell("ls /var/lib/kubelet/pki").split()[-1] == "serving.pem"


def issued(authority: KeyPair, machine: Member) -> str:
    """A serving certificate for the machine's kubelet, with its key."""
    address = machine.spec.bare_address
    return serving.issue(authority, machine.name, address, timedelta(days=9)).pem


def authority_of(control_plane: Member) -> KeyPair:
    """The cluster's CA."""
    folder = "/etc/kubernetes/pki"
    return KeyPair(*(control_plane.shell(f"cat {folder}/ca.{kind}") for kind in ("crt", "key")))


def test_another_ca_s_certificate_is_refused_and_renewal_restarts_nothing(
    control_plane: Member, worker: Member
) -> None:
    started = worker.shell(STARTED)
    foreign = issued(certificates.new_authority("kubernetes", timedelta(days=9)), worker)
    worker.succeed("renew_serving", SERVING_PAIR=foreign)
    await_true(
        lambda: (
            "certificate signed by unknown authority"
            in control_plane.shell(f"{through_the_kubelet_of(worker.name)} 2>&1 || true")
        ),
        "the API server to refuse the kubelet",
    )
    began = time.monotonic()
    said = worker.succeed("renew_serving", SERVING_PAIR=issued(authority_of(control_plane), worker))
    assert "has a new serving certificate" in said
    assert time.monotonic() - began < 70
    assert control_plane.shell(through_the_kubelet_of(worker.name))
    assert worker.shell(STARTED) == started


def test_a_kubelet_that_does_not_start_without_it_gets_one(
    control_plane: Member, worker: Member
) -> None:
    worker.shell(f"rm {SERVING}; systemctl restart kubelet")
    await_true(
        lambda: worker.node_facts()["service:kubelet"] == "crash-looping", "the kubelet to crash"
    )
    assert "serving.pem" in worker.node_facts()["crash:kubelet"]
    worker.succeed("renew_serving", SERVING_PAIR=issued(authority_of(control_plane), worker))
    await_true(
        lambda: bool(
            control_plane.shell(f"{through_the_kubelet_of(worker.name)} 2>/dev/null || true")
        ),
        "the kubelet to serve",
    )
    assert worker.node_facts()["service:kubelet"] == "active"
