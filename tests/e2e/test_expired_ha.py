"""Three control planes behind a virtual address, expired: one `up` repairs them without an API."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from model.pki.ledger import Status
from ops.hosts import certificates
from ops.hosts.inventory import Inventory
from ops.kube.errors import NO_SERVER
from ops.nspawn.spec import MachineSpec
from ops.pulumi.cli import UNATTENDED
from scripts.bench.subnet import subnet
from scripts.fleet.nodes import read_nodes
from tests.e2e.expiry import expire_cluster, issued, kubelet_certificate
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.one_cluster import three_control_planes
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]

PLANES = [f"cluster1-control-plane-{index}" for index in range(3)]
WORKER = "cluster1-worker-0"
MACHINES = [*PLANES, WORKER]
# The longest time between the start of a kubelet and its own certificate.
REQUESTED_SECONDS = 120
DATA = "what etcd keeps"


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(87) as network, living(three_control_planes(network)) as stack:
        yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    kubectl = access(fleet)
    kubectl("create", "configmap", "kept", f"--from-literal=data={DATA}")
    return kubectl


def assert_works(fleet: PulumiStack, kubectl: Kubectl, since: datetime) -> None:
    """Everything is as before the expiry, and each kubelet has requested a certificate."""
    assert kubectl.node_names() == MACHINES
    assert kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.data}") == DATA
    await_true(
        lambda: all(issued(kubelet_certificate(fleet, name)) > since for name in MACHINES),
        "each kubelet to have a certificate of its own",
        REQUESTED_SECONDS,
    )
    assert (run := fleet.preview()).changes == {}, run.output
    (pod,) = kubectl("get", "pods", "-n", "kube-system", "-l", "k8s-app=kube-proxy", "-o", "name",
                     "--field-selector", f"spec.nodeName={WORKER}").split()  # fmt: skip
    assert kubectl("logs", "-n", "kube-system", "--tail=1", pod)


def set_link(fleet: PulumiStack, machine: str, state: str) -> None:
    """Cut a running machine off from its network, or connect it."""
    spec = MachineSpec.read(fleet.machines / "cluster1" / machine)
    assert spec
    subprocess.run(["ip", "link", "set", spec.link, state], check=True)


def test_what_is_wrong_is_said_while_no_api_server_is_ready(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    expire_cluster(fleet, PLANES, [WORKER])
    (row,) = read_nodes([kubectl.kubeconfig])
    assert NO_SERVER.rpartition(": ")[2] in row.status
    machines = Inventory(fleet.output("inventory")).of_clusters(["cluster1"])
    for ledger in certificates.read(machines):
        expired = {found.name for found in ledger.certificates if found.status is Status.EXPIRED}
        assert "kubelet.conf" in expired
        assert not ledger.unreadable
    preview = fleet.succeed("preview").output
    for name in PLANES:
        assert f"{name}: repaired because the API server does not run ({NO_SERVER})" in preview


def test_one_up_repairs_all_of_them(fleet: PulumiStack, kubectl: Kubectl) -> None:
    began = datetime.now(UTC)
    fleet.up()
    assert_works(fleet, kubectl, began)


def test_a_refresh_finds_what_has_expired(fleet: PulumiStack, kubectl: Kubectl) -> None:
    """And one `up` repairs what is behind two control planes, and the third when it is back."""
    began = datetime.now(UTC)
    expire_cluster(fleet, PLANES, [WORKER])
    fleet.preview()  # It issues the program's credential, as `fleet refresh` does.
    fleet.refresh()
    preview = fleet.succeed("preview").output
    for name in PLANES:
        assert (
            f"{name}: repaired because the certificate of each of etcd-server, etcd-peer, "
            in preview
        )
    assert f"{WORKER}: repaired because the kubelet's client certificate expired" in preview
    set_link(fleet, PLANES[1], "down")
    failed = fleet.run("up", *UNATTENDED)
    assert failed.status != 0
    assert f"{PLANES[1]} is unreachable" in failed.output
    assert (
        "Only what kept the API or kubelets of cluster1 from working was changed" in failed.output
    )
    await_true(lambda: kubectl.node_names() == [PLANES[0], PLANES[2], WORKER], "two thirds", 120)
    set_link(fleet, PLANES[1], "up")
    fleet.up()
    assert_works(fleet, kubectl, began)
