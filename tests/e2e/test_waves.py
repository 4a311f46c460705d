"""A change goes to the canaries first, and no further while they are not well."""

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]

CANARY, OTHER = "canary", "main"
SOAK_SECONDS = 3


def described(network: IPv4Network, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "labels": labels,
        "machines": {"subnet": str(network)},
        "controlPlanes": {"count": 1},
    }


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(85) as first, subnet(86) as second:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "upgrades": {"canaries": {"environment": "staging"}, "soak": SOAK_SECONDS},
            "kubelet": {"maxPods": 50},
            "clusters": {
                # Its name says nothing: its label does.
                OTHER: described(first, {"environment": "prod"}),
                CANARY: described(second, {"environment": "staging"}),
            },
        }
        with living(config) as stack:
            yield stack


def most_pods(fleet: PulumiStack) -> dict[str, str]:
    """How many pods the only Node of each cluster takes."""
    kubectl = access(fleet)
    found = {}
    for name in (CANARY, OTHER):
        (node,) = kubectl.within(f"{name}-admin").items("get", "nodes")
        found[name] = node["status"]["capacity"]["pods"]
    return found


def test_a_canary_that_cannot_be_changed_stops_the_wave(fleet: PulumiStack) -> None:
    fleet.config["kubelet"] = {"maxPods": 60}
    spec = MachineSpec.read(fleet.machines / CANARY / f"{CANARY}-control-plane-0")
    assert spec
    subprocess.run(["ip", "link", "set", spec.link, "down"], check=True)
    try:
        finished = fleet.run("up", "--yes", "--skip-preview", "--parallel", "32")
    finally:
        subprocess.run(["ip", "link", "set", spec.link, "up"], check=True)
    assert finished.status != 0
    assert "Traceback" not in finished.output
    assert f"{CANARY}-control-plane-0" in finished.output
    assert f"{OTHER}-rollout" not in finished.steps("update")
    assert most_pods(fleet) == {CANARY: "50", OTHER: "50"}


def test_the_others_follow_when_the_canary_was_well_for_a_while(fleet: PulumiStack) -> None:
    finished = fleet.up()
    assert most_pods(fleet) == {CANARY: "60", OTHER: "60"}
    steps = finished.steps("update")
    order = [steps.index(name) for name in (f"{CANARY}-rollout", "wave-0", f"{OTHER}-rollout")]
    assert order == sorted(order)
    assert fleet.up().changes == {}
