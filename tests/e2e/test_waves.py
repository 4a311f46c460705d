"""A change is rolled out to canaries first, and further only after their soak."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e import updates
from tests.e2e.asking import command_of
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]

CANARY, OTHER, NEW = "canary", "main", "new"
SOAK_SECONDS = 90
PROXY, MIRROR = "http://192.0.2.1:3128", "https://mirror.example.com"


def described(network: IPv4Network, number: int, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "labels": labels,
        "machines": {"subnet": str(network)},
        "networking": networks(number),
        "controlPlanes": {"count": 1},
    }


@pytest.fixture(scope="module")
def further() -> Iterator[IPv4Network]:
    """The subnet of a cluster that is added later."""
    with subnet(84) as network:
        yield network


@pytest.fixture(scope="module")
def fleet(further: IPv4Network) -> Iterator[PulumiStack]:
    with subnet(85) as first, subnet(86) as second:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "upgrades": {"canaries": {"environment": "staging"}, "soak": SOAK_SECONDS},
            "kubelet": {"maxPods": 50},
            "clusters": {
                # Its name says nothing: its label does.
                OTHER: described(first, 1, {"environment": "prod"}),
                CANARY: described(second, 2, {"environment": "staging"}),
            },
        }
        with living(config) as stack:
            yield stack


def settings(fleet: PulumiStack, *clusters: str) -> list[tuple[str, str]]:
    """What each cluster runs with: the pods that its only Node takes, and its drain's deadline."""
    return [_settings(access(fleet).within(f"{name}-admin")) for name in clusters]


def _settings(kubectl: Kubectl) -> tuple[str, str]:
    (node,) = kubectl.items("get", "nodes")
    policy = json.loads(
        kubectl("get", "configmap/kubeadm-fleet-drain", "-n", "kube-system", "-o", "json")
    )
    return node["status"]["capacity"]["pods"], policy["data"]["seconds"]


def reaches_out(fleet: PulumiStack, cluster: str) -> bool:
    """Whether the containerd of the cluster's only machine has the proxy, and the mirror."""
    look = (
        "systemctl show --property Environment --value containerd; cat /etc/containerd/certs.d/*/*"
    )
    found = Machines(fleet).run(f"{cluster}-control-plane-0", f"{look} 2>/dev/null || true")
    assert (PROXY in found) is (MIRROR in found)
    return PROXY in found


def await_soak(fleet: PulumiStack) -> None:
    until = datetime.fromisoformat(fleet.output("clusters")[OTHER]["waiting"]["until"])
    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()) + 1)


def test_a_canary_that_cannot_be_changed_stops_the_wave_and_no_new_cluster(
    fleet: PulumiStack, further: IPv4Network
) -> None:
    fleet.config["kubelet"] = {"maxPods": 60}
    fleet.config["clusters"][NEW] = described(further, 3, {"environment": "prod"})
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
    assert {f"{NEW}-rollout", f"{NEW}-health"} <= set(finished.steps("create"))
    assert fleet.output("clusters")[NEW]["ready"]
    assert settings(fleet, CANARY, OTHER) == [("50", "120"), ("50", "120")]
    assert settings(fleet, NEW) == [("60", "120")]


def test_the_others_wait_for_the_soak_without_blocking_the_run(fleet: PulumiStack) -> None:
    fleet.config["upgrades"]["drainTimeout"] = "3m"
    fleet.config["proxy"] = {"https": PROXY}
    fleet.config["registryMirrors"] = {"docker.io": {"url": MIRROR}}
    finished = fleet.up()
    assert [reaches_out(fleet, name) for name in (CANARY, OTHER, NEW)] == [True, False, False]
    assert settings(fleet, CANARY, OTHER) == [("60", "180"), ("50", "120")]
    assert settings(fleet, NEW) == [("60", "120")]
    steps = finished.steps("update")
    order = [steps.index(name) for name in (f"{CANARY}-rollout", "wave-0", f"{OTHER}-rollout")]
    assert order == sorted(order)
    waiting = fleet.output("clusters")[OTHER]["waiting"]
    assert waiting["for"] == [CANARY]
    until = datetime.fromisoformat(waiting["until"])
    assert 0 < (until - datetime.now(UTC)).total_seconds() <= SOAK_SECONDS
    shown = fleet.preview()
    for said in (finished, shown):
        assert f"waits until {until:%Y-%m-%d %H:%M:%S} UTC" in said.output
        assert {f"{OTHER}-rollout", f"{OTHER}-drain"} <= set(said.steps("update"))
    assert "wave-0" not in shown.steps("update")
    change = "the proxy changed: containerd restarted, containers keep running"
    assert (
        f"{OTHER}-control-plane-0: the registry mirrors changed: in place; {change}" in shown.output
    )
    # The canary was not changed again, and does not prolong the hold.
    fleet.up()
    assert fleet.output("clusters")[OTHER]["waiting"] == waiting


def test_the_others_follow_once_the_canary_was_healthy_for_the_soak(fleet: PulumiStack) -> None:
    await_soak(fleet)
    finished = fleet.up()
    assert settings(fleet, CANARY, OTHER, NEW) == [("60", "180")] * 3
    assert all(reaches_out(fleet, name) for name in (CANARY, OTHER, NEW))
    steps = finished.steps("update")
    order = [steps.index(name) for name in ("wave-0", f"{OTHER}-drain", f"{OTHER}-rollout")]
    assert order == sorted(order)
    assert f"{CANARY}-rollout" not in steps
    assert "waiting" not in fleet.output("clusters")[OTHER]
    assert (run := fleet.up()).changes == {}, run.output


def test_security_updates_reach_the_others_after_the_canarys_soak(fleet: PulumiStack) -> None:
    updates.prepare(fleet)
    updates.offer(fleet, "2")
    done = command_of(fleet, "patch", "--write-only")
    assert done.returncode == 0, done.stdout + done.stderr
    fleet.read_config()
    machines = [f"{name}-control-plane-0" for name in (CANARY, OTHER, NEW)]
    for machine in machines:
        assert machine in done.stdout
    before = updates.states(fleet, updates.BOOT)
    fleet.up()
    installed, booted = (updates.states(fleet, each) for each in (updates.INSTALLED, updates.BOOT))
    assert [installed[name] for name in machines] == ["2", "1", "1"]
    assert [booted[name] == before[name] for name in machines] == [False, True, True]
    await_soak(fleet)
    fleet.up()
    assert set(updates.states(fleet, updates.INSTALLED).values()) == {"2"}
    last = updates.states(fleet, updates.BOOT)
    assert [last[name] == booted[name] for name in machines] == [True, False, False]
    assert (run := fleet.up()).changes == {}, run.output
