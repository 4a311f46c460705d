"""API servers verify kubelets, by the certificates that the program issues for them."""

import pytest

from tests.node.cluster import Member

pytestmark = [pytest.mark.root, pytest.mark.slow]
SERVING = "/var/lib/kubelet/pki/serving.pem"
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout 20s"


def logs_of(node: str) -> str:
    """A script that reads the log of kube-proxy on a Node, through its kubelet."""
    pod = (
        f"{KUBECTL} --namespace kube-system get pods --output name "
        f"--selector k8s-app=kube-proxy --field-selector spec.nodeName={node}"
    )
    return f"{KUBECTL} --namespace kube-system logs --tail 1 $({pod})"


def test_api_servers_reach_every_kubelet_and_verify_it(
    control_plane: Member, worker: Member
) -> None:
    flag = "--kubelet-certificate-authority=/etc/kubernetes/pki/ca.crt"
    assert flag in control_plane.shell("cat /etc/kubernetes/manifests/kube-apiserver.yaml")
    for machine in (control_plane, worker):
        assert control_plane.shell(logs_of(machine.name))
        assert machine.shell(f"stat --format '%a %U' {SERVING}") == "600 root\n"
        assert machine.shell("stat --format '%A' /var/lib/kubelet").startswith("drwx"), "as before"
        assert machine.shell("ls /var/lib/kubelet/pki").split()[-1] == "serving.pem"
