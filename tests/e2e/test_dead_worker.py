"""A worker that is dead while its cluster is changed, and comes back."""

from collections.abc import Iterator

import pytest

from ops.kube.node import PENDING
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]

DEAD, OTHER = "cluster1-worker-0", "cluster1-worker-1"
# It runs, so that `up` does not start it, and is neither a Node nor reachable.
DIE = (
    "systemd-run --quiet --unit=dead bash -c 'systemctl stop kubelet ssh; "
    "until [[ -e /revived ]]; do sleep 0.5; done; systemctl start ssh kubelet'"
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(89) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {
                    "machines": {"subnet": str(network)},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": 2},
                }
            },
        }
        with living(config) as stack:
            yield stack


def max_pods(kubectl: Kubectl) -> dict[str, str]:
    nodes = kubectl.items("get", "nodes")
    return {node["metadata"]["name"]: node["status"]["capacity"]["pods"] for node in nodes}


def test_a_dead_worker_does_not_stop_the_change_of_its_cluster(fleet: PulumiStack) -> None:
    kubectl = access(fleet)
    ready = (
        "get", "node", DEAD, "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
    )  # fmt: skip
    Machines(fleet).run(DEAD, DIE)
    await_true(lambda: kubectl(*ready) != "True", "its Node to be unready", seconds=180)
    fleet.config["kubelet"] = {"maxPods": 77}
    done = fleet.up()
    assert "cluster1 is done, except for 1 unavailable worker:" in done.output
    assert f"{DEAD}: unavailable since" in done.output
    assert {name: pods == "77" for name, pods in max_pods(kubectl).items()} == {
        "cluster1-control-plane-0": True, DEAD: False, OTHER: True,
    }  # fmt: skip
    summary = fleet.output("clusters")["cluster1"]
    assert not summary["ready"]
    assert "new kubelet settings (maxPods)" in summary["unavailable"][DEAD]
    (node,) = (each for each in kubectl.items("get", "nodes") if each["metadata"]["name"] == DEAD)
    assert "new kubelet settings (maxPods)" in node["metadata"]["annotations"][PENDING]
    assert f"{DEAD}: unavailable since" in fleet.up().output, "nothing else has changed"

    (fleet.machines / "cluster1" / DEAD / "root" / "revived").touch()
    await_true(lambda: kubectl(*ready) == "True", "its Node to be Ready")
    assert "is done, except for" not in fleet.up().output
    assert max_pods(kubectl)[DEAD] == "77"
    assert fleet.output("clusters")["cluster1"]["ready"]
    assert "unavailable" not in fleet.output("clusters")["cluster1"]
