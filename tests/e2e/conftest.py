"""One fleet for the end-to-end tests, made by the real engine and destroyed at the end."""

from collections.abc import Iterator
from typing import Any

import pytest

from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.ops.nspawn import host
from tests.tmp_machines import workshop


def config(*subnets: str) -> dict[str, Any]:
    """Describe two clusters, each with a subnet of its own."""
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            f"cluster{number}": {
                "labels": {"environment": "test", "region": region},
                "machines": {"subnet": subnet},
                "networking": networks(number),
                "controlPlanes": {"count": 1},
                "workers": {"count": 1},
            }
            for number, (region, subnet) in enumerate(
                zip(("tokyo", "osaka"), subnets, strict=True), start=1
            )
        },
    }


@pytest.fixture(scope="session")
def subnets() -> Iterator[list[str]]:
    """Three subnets that nothing else on this host has."""
    with subnet(86) as first, subnet(86) as second, subnet(86) as third:
        yield [str(each) for each in (first, second, third)]


@pytest.fixture(scope="module")
def stack(subnets: list[str]) -> Iterator[PulumiStack]:
    """A stack that does not exist on the host yet; whatever a test leaves of it is destroyed."""
    with workshop() as folder:
        stack = PulumiStack(folder, "test", config(*subnets[:2]))
        stack.create()
        try:
            yield stack
        finally:
            stack.run("cancel", "--yes")
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


@pytest.fixture(scope="module")
def fleet(stack: PulumiStack) -> PulumiStack:
    """The stack with both clusters up."""
    stack.up()
    return stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The real kubectl with the kubeconfig that the stack exports."""
    path = fleet.folder / "kubeconfig"
    path.write_text(fleet.output("kubeconfig"))
    path.chmod(0o600)
    return Kubectl(path)
