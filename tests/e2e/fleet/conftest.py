"""One fleet for the tests of this folder, made by the real engine and destroyed at the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access
from tests.e2e.machines import Machines
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import Finished, PulumiStack
from tests.e2e.secret_texts import ProcessWatch
from tests.ops.nspawn import host
from tests.tmp_machines import workshop


def config(*subnets: str) -> dict[str, Any]:
    """Describe two clusters, each with a subnet of its own, and who watches them."""
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "people": {"users": {"watch": {"access": [{"role": "watcher"}]}}},
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


@dataclass(frozen=True)
class Creation:
    """How the clusters were created: the run, its events, and the processes meanwhile."""

    finished: Finished
    events: str
    watch: ProcessWatch


@pytest.fixture(scope="package")
def subnets() -> Iterator[list[str]]:
    """Three subnets that nothing else on this host has."""
    with subnet(86) as first, subnet(86) as second, subnet(86) as third:
        yield [str(network) for network in (first, second, third)]


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def creation(stack: PulumiStack) -> Creation:
    """How both clusters came up."""
    with ProcessWatch(lambda: marks(stack)) as watch:
        finished = stack.up()
    return Creation(finished, (stack.folder / "events.json").read_text(), watch)


def marks(stack: PulumiStack) -> set[str]:
    """What processes of the stack have in their environment or in the names of their cgroups."""
    specs = (MachineSpec.read(file.parent) for file in stack.machines.glob("*/*/spec.json"))
    return {str(stack.folder), *(spec.unit for spec in specs if spec)}


@pytest.fixture(scope="package")
def fleet(stack: PulumiStack, creation: Creation) -> PulumiStack:
    """The stack with both clusters up."""
    return stack


@pytest.fixture(scope="package")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The real kubectl with the kubeconfig that the stack exports."""
    return access(fleet)


@pytest.fixture(scope="module")
def machines(fleet: PulumiStack) -> Machines:
    """The machines of both clusters, as root."""
    return Machines(fleet)


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Kubectl:
    """kubectl for the first of them."""
    return kubectl.within("cluster1-admin")
