"""One cluster of a control plane and a worker, shared by all tests of this folder."""

import time
from collections.abc import Iterator

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.pulumi_stack import PulumiStack
from tests.node.cluster import VERSION, Member, members, uploaded
from tests.tmp_machines import workshop
from tests.waiting import await_true

READY = (
    "kubectl --kubeconfig /etc/kubernetes/admin.conf wait pods --all --all-namespaces "
    "--for=condition=Ready --timeout=5s"
)
CONTAINERS = "ctr --namespace k8s.io tasks list 2>/dev/null | sort"
# The kubelet ends a sandbox some time after its container.
QUIET_SECONDS = 3


@pytest.fixture(scope="package")
def cluster() -> Iterator[dict[str, Member]]:
    """The cluster's machines by name; gone after the folder's tests."""
    with workshop() as folder, subnet(84) as own:
        config = {
            "kubernetesVersion": VERSION.removeprefix("v"),
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi", "subnet": str(own)},
            "clusters": {"one": {"controlPlanes": {"count": 1}, "workers": {"count": 1}}},
        }
        stack = PulumiStack(folder, "operations", config)
        stack.create()
        try:
            stack.up()
            found = members(stack)
            first = found["one-control-plane-0"]
            first.documents.update(
                CLUSTER_CONFIGURATION=uploaded(first, "kubeadm-config", "ClusterConfiguration"),
                KUBELET_CONFIGURATION=uploaded(first, "kubelet-config", "kubelet"),
                CONTROL="c1",
                KUBELET="k1",
            )
            yield found
        finally:
            stack.destroy()


@pytest.fixture(scope="module")
def machines(cluster: dict[str, Member]) -> dict[str, Member]:
    """The same, once all that the module before has restarted is running."""
    await_true(lambda: is_quiet(cluster), "a cluster at rest", seconds=180)
    return cluster


def is_quiet(cluster: dict[str, Member]) -> bool:
    """Are all pods Ready, and are the containers of each machine the same for some time?"""
    if cluster["one-control-plane-0"].shell(f"{READY} >&2 && echo yes || true") != "yes\n":
        return False
    before = [machine.shell(CONTAINERS) for machine in cluster.values()]
    time.sleep(QUIET_SECONDS)
    return [machine.shell(CONTAINERS) for machine in cluster.values()] == before


@pytest.fixture
def control_plane(machines: dict[str, Member]) -> Member:
    """The control plane."""
    return machines["one-control-plane-0"]


@pytest.fixture
def worker(machines: dict[str, Member]) -> Member:
    """The worker."""
    return machines["one-worker-0"]
