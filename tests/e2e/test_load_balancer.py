"""Control planes that come and go behind a virtual address, while a client writes.

Run with `-s` to see the figures.
"""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.write_probe import AvailabilityReport, WriteProbe

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

CLUSTER = "cluster1"
CONTROL_PLANES = [f"{CLUSTER}-control-plane-{index}" for index in range(3)]
VIP = 100
# Each is in two back ends.
BACKENDS = "grep '^    server ' /etc/kubeadm-fleet/haproxy.cfg | sort --unique | wc --lines"
SERVICES = "systemctl is-active kubeadm-fleet-haproxy kubeadm-fleet-keepalived"
LONGEST_GAP_SECONDS = 10
CALM_SECONDS = 5
PATIENCE_SECONDS = 120
LOOK_SECONDS = 0.1


@pytest.fixture(scope="module")
def network() -> Iterator[IPv4Network]:
    with subnet(83) as found:
        yield found


@pytest.fixture(scope="module")
def fleet(network: IPv4Network) -> Iterator[PulumiStack]:
    config = {
        "kubernetesVersion": "1.36.3",
        "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
        "clusters": {
            CLUSTER: {
                "machines": {"subnet": str(network)},
                "endpoint": {"vip": f"{network[VIP]}:8443"},
                "controlPlanes": {"count": 1},
            }
        },
    }
    with living(config) as stack:
        yield stack


def holders(fleet: PulumiStack, network: IPv4Network) -> list[str]:
    """The control planes that have the virtual address."""
    return [name for name in CONTROL_PLANES if _holds(fleet, name, str(network[VIP]))]


def _holds(fleet: PulumiStack, name: str, address: str) -> bool:
    spec = MachineSpec.read(fleet.machines / CLUSTER / name)
    if spec is None:
        return False
    look = ["ip", "-netns", spec.unit, "-4", "address", "show", "dev", "eth0"]
    return address in subprocess.run(look, capture_output=True, text=True, check=False).stdout


@contextmanager
def watched(fleet: PulumiStack, network: IPv4Network) -> Iterator[list[list[str]]]:
    """Give what is seen of the holders meanwhile."""
    seen: list[list[str]] = []
    ends = threading.Event()

    def look() -> None:
        while not ends.wait(LOOK_SECONDS):
            seen.append(holders(fleet, network))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ends.set()
        thread.join()


def changed(fleet: PulumiStack, count: int) -> AvailabilityReport:
    """Have so many control planes, and say what a client saw of it."""
    fleet.config["clusters"][CLUSTER]["controlPlanes"]["count"] = count
    with WriteProbe(fleet.output("kubeconfig")) as writer:
        writer.await_calm(CALM_SECONDS, PATIENCE_SECONDS)
        began = time.monotonic()
        finished = fleet.up()
        writer.await_calm(CALM_SECONDS, PATIENCE_SECONDS)
        figures = writer.figures(began, time.monotonic())
    print(f"{count} control planes: {figures}")
    assert figures.lost == 0, figures.errors
    assert figures.longest_gap <= LONGEST_GAP_SECONDS, figures.errors
    assert f"{CLUSTER}-rollout" in finished.steps("update")
    assert (run := fleet.up()).changes == {}, run.output
    return figures


def test_added_control_planes_join_the_load_balancers(
    fleet: PulumiStack, network: IPv4Network
) -> None:
    (holder,) = holders(fleet, network)
    with watched(fleet, network) as seen:
        changed(fleet, 3)
    assert all(len(found) <= 1 for found in seen), "two machines had the address at a time"
    assert holders(fleet, network) == [holder]
    machines = Machines(fleet)
    for name in CONTROL_PLANES:
        assert machines.run(name, SERVICES).split() == ["active", "active"]
        backends = machines.run(name, BACKENDS)
        assert backends.strip() == "3"
    assert access(fleet).node_names() == CONTROL_PLANES
    assert fleet.refresh().changes == {}


def test_removed_control_planes_leave_the_load_balancers(
    fleet: PulumiStack, network: IPv4Network
) -> None:
    changed(fleet, 1)
    assert holders(fleet, network) == CONTROL_PLANES[:1]
    backends = Machines(fleet).run(CONTROL_PLANES[0], "cat /etc/kubeadm-fleet/haproxy.cfg")
    assert not [name for name in CONTROL_PLANES[1:] if name in backends]
