"""What root on a worker can do with its kubelet's credential, and what it cannot."""

from collections.abc import Iterator

import pytest

from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines

pytestmark = [pytest.mark.root, pytest.mark.slow]

PLANE, WORKER = "cluster1-control-plane-0", "cluster1-worker-0"
AS_KUBELET = "kubectl --kubeconfig /etc/kubernetes/kubelet.conf"
FOREIGN = "foreign"
REQUEST = """
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: {name}}}
spec:
  request: {request}
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
"""
MAKE_REQUEST = (
    "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null "
    "-subj /O=people/CN=me 2>/dev/null | base64 --wrap 0"
)
ATTEMPTS = {
    "change another Node": f"label node {PLANE} mine=yes",
    "be a control plane": f"label node {WORKER} node-role.kubernetes.io/control-plane=",
    "delete another Node": f"delete node {PLANE}",
    "read a Secret of no pod of its own": f"--namespace default get secret {FOREIGN}",
    "read all Secrets": "get secrets --all-namespaces",
    "read a ConfigMap of no pod of its own": f"--namespace default get configmap {FOREIGN}",
    "be a service account of no pod of its own": "--namespace kube-system create token coredns",
    "approve a certificate": f"certificate approve {FOREIGN}",
    "create a pod": "--namespace default run mine --image=example.com/mine",
    "delete a pod of another Node": f"--namespace kube-system delete pod etcd-{PLANE}",
    "read RBAC": "get clusterrolebindings",
    "read the lease of another Node": f"--namespace kube-node-lease get lease {PLANE}",
}


@pytest.fixture(scope="module", autouse=True)
def foreign(cluster: Kubectl, machines: Machines) -> Iterator[None]:
    """Things of others, which the worker's pods do not use."""
    cluster("create", "secret", "generic", FOREIGN, "--from-literal=text=secret")
    cluster("create", "configmap", FOREIGN, "--from-literal=text=theirs")
    request = machines.run(WORKER, MAKE_REQUEST).strip()
    cluster("create", "--filename", "-", stdin=REQUEST.format(name=FOREIGN, request=request))
    yield
    for kind in ("secret", "configmap", "certificatesigningrequest"):
        cluster("delete", kind, FOREIGN)


@pytest.mark.parametrize("words", ATTEMPTS.values(), ids=ATTEMPTS)
def test_it_cannot(machines: Machines, words: str) -> None:
    said = machines.run(WORKER, f"if {AS_KUBELET} {words} 2>&1; then echo it may; fi")
    assert "forbidden" in said.lower()
    assert "it may" not in said


def test_it_reads_its_own_node(machines: Machines) -> None:
    assert WORKER in machines.run(WORKER, f"{AS_KUBELET} get node {WORKER} --output name")
