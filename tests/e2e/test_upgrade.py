"""Patch and minor upgrades while clients write to the API and query a service.

Run with `-s` to see the figures.
"""

import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from scripts.bench.subnet import subnet
from tests.e2e import web_service
from tests.e2e.http_probe import HttpProbe
from tests.e2e.kubectl import Kubectl, token_rules
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import WriteProbe

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(2400)]

CLUSTER = "cluster1"
FIRST, PATCH, NEXT = "v1.36.1", "v1.36.3", "v1.37.2"
MACHINES = [
    *(f"{CLUSTER}-control-plane-{index}" for index in range(3)),
    *(f"{CLUSTER}-worker-{index}" for index in range(2)),
]
LONGEST_GAP_SECONDS = 10
CALM_SECONDS = 8
HEALTHY_SECONDS = 120
UP_SECONDS = 1800


def config(network: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": FIRST.removeprefix("v"),
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[100]}:8443"},
                "controlPlanes": {"count": 3},
                "workers": {"count": 2},
            }
        },
    }


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(88) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    with living(config(network)) as stack:
        yield stack


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    """The way to the API; a service with two replicas runs in the cluster."""
    kubectl = access(fleet)
    web_service.start(kubectl)
    return kubectl


def versions(kubectl: Kubectl) -> dict[str, str]:
    """What each Node runs."""
    return {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in kubectl.items("get", "nodes")
    }


@pytest.mark.parametrize(("former", "following"), [(FIRST, PATCH), (PATCH, NEXT)])
def test_upgrade_is_shown_for_every_machine_and_interrupts_no_client(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network, former: str, following: str
) -> None:
    fleet.config["kubernetesVersion"] = following.removeprefix("v")
    preview = fleet.succeed("preview")
    for machine in MACHINES:
        assert f"{machine}: upgraded from {former} to {following}: drained" in preview.output
    assert "replace" not in preview.changes, preview.output

    address = str(network[11])
    with (
        HttpProbe(web_service.url(address)) as visitor,
        WriteProbe(fleet.output("kubeconfig")) as writer,
    ):
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        began = time.monotonic()
        fleet.succeed("up", "--yes", "--skip-preview", "--parallel", "32", seconds=UP_SECONDS)
        ended = time.monotonic()
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        seen = writer.figures(began, time.monotonic())
    print(f"\n{former} to {following} in {ended - began:.1f} s; API: {seen}; service: {visitor}")
    for error in seen.errors:
        print(f"    {error}")
    assert versions(kubectl) == dict.fromkeys(MACHINES, following)
    assert visitor.failures == []
    assert seen.lost == 0
    assert seen.longest_gap <= LONGEST_GAP_SECONDS
    assert not token_rules(kubectl)


def test_the_next_preview_has_no_changes(fleet: PulumiStack, kubectl: Kubectl) -> None:
    assert (run := fleet.up()).changes == {}, run.output
    assert kubectl.node_names() == MACHINES


def test_the_former_version_is_removed(fleet: PulumiStack) -> None:
    machines = Machines(fleet)
    state = "/var/lib/kubeadm-fleet"
    for name in MACHINES:
        assert (
            machines.run(
                name, f"ls -d {state}/cleanup-pending {state}/staged/* 2>/dev/null || true"
            )
            == ""
        )
    shown = machines.run(MACHINES[0], "ctr --namespace k8s.io images list | awk '{print $1, $3}'")
    print(shown)
    images = shown.split()
    assert f"registry.k8s.io/kube-apiserver:{NEXT}" in images
    assert f"registry.k8s.io/kube-apiserver:{PATCH}" not in images


@pytest.mark.parametrize("version", ["1.36.3", "1.37.1"])
def test_downgrade_is_rejected_in_the_preview(fleet: PulumiStack, version: str) -> None:
    fleet.config["kubernetesVersion"] = version
    finished = fleet.run("preview")
    fleet.config["kubernetesVersion"] = NEXT.removeprefix("v")
    assert finished.status != 0
    assert f"cluster {CLUSTER}" in finished.output
