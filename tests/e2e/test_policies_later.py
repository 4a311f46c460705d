"""Clusters without network policies get them: Node by Node, drained, also if the run is killed.

One of them is a machine alone, whose pods nothing else can take. Run with `-s` to see the figures;
the tests run in order.
"""

import time
from collections.abc import Iterator

import pytest

from scripts.bench.subnet import subnet
from tests.e2e import web_service
from tests.e2e.http_probe import HttpProbe
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pod_network import assert_pods_talk
from tests.e2e.policed_pods import Pods
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900)]

CLUSTER, ALONE = "cluster1", "alone"
PLANE, FIRST, SECOND = f"{CLUSTER}-control-plane-0", f"{CLUSTER}-worker-0", f"{CLUSTER}-worker-1"
ONLY = f"{ALONE}-control-plane-0"
EXCEPTION = "networking.networkPolicy is none: NetworkPolicy objects have no effect"
# What the preview says of pods that are left when a machine was drained.
HOW = {
    PLANE: "drained, pod network reset",
    FIRST: "drained, pod network reset",
    SECOND: "drained, pod network reset",
    ONLY: "not drained, as there is no other machine: its pods are deleted and created again; pod "
    "network reset",
}
WHICH = "cd /etc/cni/net.d && ls"
CHANGED_SECONDS = 180


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(94) as first, subnet(94) as second:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                name: {
                    "machines": {"subnet": str(network)},
                    "networking": {"networkPolicy": "none"},
                    "controlPlanes": {"count": 1},
                    "workers": {"count": workers},
                }
                for name, network, workers in ((CLUSTER, first, 2), (ALONE, second, 0))
            },
        }
        with living(config) as stack:
            yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    return access(fleet).within(f"{CLUSTER}-admin")


@pytest.fixture(scope="module")
def machines(fleet: PulumiStack) -> Machines:
    return Machines(fleet)


def configurations(machines: Machines) -> dict[str, str]:
    return {name: " ".join(machines.run(name, WHICH).split()) for name in HOW}


def choose(fleet: PulumiStack, policy: str) -> None:
    for each in fleet.config["clusters"].values():
        each["networking"]["networkPolicy"] = policy


def test_pods_of_a_cluster_without_policies_talk(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    assert_pods_talk(kubectl)
    assert_pods_talk(access(fleet).within(f"{ALONE}-admin"))
    assert set(configurations(machines).values()) == {"10-flannel.conflist"}
    assert fleet.succeed("stack", "export").output.count(EXCEPTION) == 2


def test_a_run_that_is_killed_after_the_first_node_is_resumed(
    fleet: PulumiStack, kubectl: Kubectl, machines: Machines
) -> None:
    web_service.start(kubectl)
    address = kubectl(
        "get", "node", PLANE, "--output", "jsonpath={.status.addresses[0].address}"
    ).strip()
    choose(fleet, "calico")
    shown = fleet.succeed("preview")
    assert "the rollout drains each Node" in shown.output
    for name, how in HOW.items():
        # Pod Security's exemptions of a control plane are among what else is changed.
        lines = [line for line in shown.output.splitlines() if f" {name}: " in line]
        (line,) = (line for line in lines if "instead of flannel" in line)
        assert f"pods connected by canal instead of flannel: {how}" in line
    log = fleet.folder / "killed.log"
    with HttpProbe(web_service.url(address)) as probe:
        engine = fleet.start("up", "--yes", "--skip-preview", log=log)
        await_true(
            lambda: "10-canal.conflist" in configurations(machines).values(),
            "a Node that is changed",
            CHANGED_SECONDS,
        )
        fleet.kill(engine)
        fleet.run("cancel", "--yes")
        assert "10-flannel.conflist" in configurations(machines).values()
        began = time.monotonic()
        fleet.up()
        print(f"\nresumed in {time.monotonic() - began:.1f} s")
    print(f"while Nodes were changed: {probe}")
    print("\n".join(probe.failures))
    assert set(configurations(machines).values()) == {"10-canal.conflist"}
    assert EXCEPTION not in fleet.succeed("stack", "export").output
    assert (run := fleet.up()).changes == {}, run.output
    for name in HOW:
        assert "gone" in machines.run(name, "ip link show cni0 || echo gone")
    cordoned = kubectl("get", "nodes", "--output", "jsonpath={.items[*].spec.unschedulable}")
    assert cordoned.strip() == ""


def test_policies_have_an_effect_then(fleet: PulumiStack, kubectl: Kubectl) -> None:
    assert_pods_talk(kubectl)
    pods = Pods(kubectl, "policed")
    server = pods.serve("server-0", FIRST)
    for name, node in (("near", FIRST), ("far", SECOND)):
        pods.attempt(f"client-{name}", node, server)
        assert pods.reaches(f"client-{name}", server)
    pods.allow("deny", podSelector={}, policyTypes=["Ingress"])
    for name in ("near", "far"):
        await_true(lambda name=name: not pods.reaches(f"client-{name}", server), "the cut", 5)  # type: ignore[misc]
    alone = access(fleet).within(f"{ALONE}-admin")
    assert_pods_talk(alone)
    alone("--namespace", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s")


def test_there_is_no_way_back(fleet: PulumiStack) -> None:
    choose(fleet, "none")
    refused = fleet.run("preview")
    choose(fleet, "calico")
    assert refused.status != 0
    assert "connected by flannel with calico, and the config says flannel" in refused.output
    assert f"set clusters.{CLUSTER}.networking.networkPolicy to calico." in refused.output
