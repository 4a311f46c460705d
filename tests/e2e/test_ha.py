"""Control planes that fail without notice, one after another, while a client writes.

The failure is a power cut: the machine's network is cut before its processes are killed, so that
no peer is notified. `pulumi up` starts it again. Run with `-s` to see the figures.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import AvailabilityReport, WriteProbe
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]

CLUSTER = "cluster1"
CONTROL_PLANES = [f"{CLUSTER}-control-plane-{index}" for index in range(3)]
NODES = [*CONTROL_PLANES, f"{CLUSTER}-worker-0"]
VIP = 100
LONGEST_GAP_SECONDS = 10
CALM_SECONDS = 8
HEALTHY_SECONDS = 120


def config(network: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[VIP]}:8443"},
                "controlPlanes": {"count": 3},
                "workers": {"count": 1},
            }
        },
    }


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(87) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    """The stack, up; whatever a test leaves of it is destroyed."""
    with workshop() as folder:
        stack = PulumiStack(folder, "test", config(network))
        stack.create()
        try:
            stack.up()
            yield stack
        finally:
            stack.run("cancel", "--yes")
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


@pytest.fixture(scope="module")
def kubectl(fleet: PulumiStack) -> Kubectl:
    path = fleet.folder / "kubeconfig"
    path.write_text(fleet.output("kubeconfig"))
    path.chmod(0o600)
    return Kubectl(path)


def spec(fleet: PulumiStack, name: str) -> MachineSpec:
    found = MachineSpec.read(fleet.machines / CLUSTER / name)
    assert found
    return found


def holders(fleet: PulumiStack, network: IPv4Network) -> list[str]:
    """The control planes that have the virtual address; more than one would be a mistake."""
    return [
        name
        for name in CONTROL_PLANES
        if str(network[VIP])
        in subprocess.run(
            ["ip", "-netns", spec(fleet, name).unit, "-4", "address", "show", "dev", "eth0"],
            capture_output=True, text=True, check=True,
        ).stdout
    ]  # fmt: skip


def cut_power(fleet: PulumiStack, name: str) -> None:
    subprocess.run(["ip", "link", "set", spec(fleet, name).link, "down"], check=True)
    leader = int((fleet.machines / CLUSTER / name / "leader").read_text())
    os.kill(leader, signal.SIGKILL)


def await_health(kubectl: Kubectl, fleet: PulumiStack, name: str) -> None:
    """Return when all Nodes are Ready and the machine's own API server is (with its etcd)."""
    server = f"--server=https://{spec(fleet, name).bare_address}:6443"
    deadline = time.monotonic() + HEALTHY_SECONDS
    said = ""
    while time.monotonic() < deadline:
        try:
            said = kubectl("get", "--raw", "/readyz?verbose", server, "--request-timeout=3s")
            if kubectl.node_names() == NODES:
                return
            said = kubectl("get", "nodes")
        except AssertionError as error:
            said = str(error)
        time.sleep(0.5)
    raise AssertionError(f"{name} is not healthy after {HEALTHY_SECONDS} s: {said}")


def test_the_api_answers_at_the_virtual_address(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    assert kubectl.node_names() == NODES
    clusters = json.loads(fleet.succeed("stack", "output", "clusters", "--json").output)
    assert clusters[CLUSTER]["endpoint"] == f"https://{network[VIP]}:8443"
    assert len(holders(fleet, network)) == 1


def test_a_second_up_changes_nothing(fleet: PulumiStack) -> None:
    assert (run := fleet.up()).changes == {}, run.output


def test_the_api_survives_the_loss_of_each_control_plane(
    fleet: PulumiStack, kubectl: Kubectl, network: IPv4Network
) -> None:
    (holder,) = holders(fleet, network)
    # The holder of the address first; its next holder is one of the others.
    victims = [holder, *(name for name in CONTROL_PLANES if name != holder)]
    seen: dict[str, AvailabilityReport] = {}
    with WriteProbe(fleet.output("kubeconfig")) as writer:
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        started = time.monotonic()
        for victim in victims:
            (holder,) = holders(fleet, network)
            title = f"{victim}{' (holds the address)' if victim == holder else ''}"
            began = time.monotonic()
            cut_power(fleet, victim)
            writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
            died = time.monotonic()
            seen[f"{title} dies"] = writer.figures(began, died)
            fleet.up()
            await_health(kubectl, fleet, victim)
            writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
            seen[f"{title} comes back"] = writer.figures(died, time.monotonic())
        everything = writer.figures(started, time.monotonic())
    seen["all of it"] = everything
    for title, figures in seen.items():
        print(f"{title}: {figures}")
        for error in figures.errors:
            print(f"    {error}")
    assert len(holders(fleet, network)) == 1
    assert everything.lost == 0
    assert everything.longest_gap <= LONGEST_GAP_SECONDS
