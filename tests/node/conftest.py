"""One cluster of a control plane and a worker, shared by the tests of operations."""

from collections.abc import Iterator

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.pulumi_stack import PulumiStack
from tests.node.cluster import VERSION, Member, members, uploaded
from tests.tmp_machines import workshop


@pytest.fixture(scope="module")
def machines() -> Iterator[dict[str, Member]]:
    """The cluster's machines by name; gone after the module's tests."""
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


@pytest.fixture
def control_plane(machines: dict[str, Member]) -> Member:
    """The control plane."""
    return machines["one-control-plane-0"]


@pytest.fixture
def worker(machines: dict[str, Member]) -> Member:
    """The worker."""
    return machines["one-worker-0"]
