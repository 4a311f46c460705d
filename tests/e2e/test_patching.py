"""Security updates of a highly available cluster, while clients write to its API.

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
from tests.e2e.life import access, living
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.updates import BOOT, INSTALLED, offer, prepare, roots, states
from tests.e2e.write_probe import WriteProbe
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(2400)]

CLUSTER = "cluster1"
MACHINES = [
    *(f"{CLUSTER}-control-plane-{index}" for index in range(3)),
    *(f"{CLUSTER}-worker-{index}" for index in range(2)),
]
FIRST, NEXT = "20261126T214000Z", "20261203T080000Z"
PATCHED = "cat /var/lib/kubeadm-fleet/patched 2>/dev/null || true"
LONGEST_GAP_SECONDS = 10
CALM_SECONDS = 8
HEALTHY_SECONDS = 120
UP_SECONDS = 1500


def config(network: IPv4Network) -> dict[str, Any]:
    return {
        "kubernetesVersion": "1.36.3",
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
        web_service.start(access(stack))
        prepare(stack)
        yield stack


def test_all_machines_are_patched_and_rebooted_under_load(
    fleet: PulumiStack, network: IPv4Network
) -> None:
    offer(fleet, "2")
    before = states(fleet, BOOT)
    fleet.config["upgrades"] = {"securityUpdates": FIRST}
    preview = fleet.succeed("preview")
    for machine in MACHINES:
        assert f"{machine}: security updates as of {FIRST}, if there are any: drained" in (
            preview.output
        )
    # Workers are rebooted as well: a client asks one whose pods have moved.
    address = str(network[11])
    with (
        HttpProbe(web_service.url(address)) as visitor,
        WriteProbe(fleet.output("kubeconfig")) as writer,
    ):
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        began = time.monotonic()
        said = fleet.succeed("up", "--yes", "--skip-preview", seconds=UP_SECONDS).output
        ended = time.monotonic()
        writer.await_calm(CALM_SECONDS, HEALTHY_SECONDS)
        seen = writer.figures(began, time.monotonic())
    print(f"\n5 machines in {ended - began:.1f} s; API: {seen}; service: {visitor}")
    print("\n".join(line for line in said.splitlines() if "rebooted in" in line))
    for error in seen.errors:
        print(f"    {error}")
    assert set(states(fleet, INSTALLED).values()) == {"2"}
    after = states(fleet, BOOT)
    assert all(after[machine] != before[machine] for machine in MACHINES)
    assert seen.lost == 0
    assert seen.longest_gap <= LONGEST_GAP_SECONDS
    assert fleet.up().changes == {}
    assert states(fleet, BOOT) == after


def test_a_killed_run_is_resumed_and_no_machine_is_rebooted_twice(fleet: PulumiStack) -> None:
    offer(fleet, "3")
    before = states(fleet, BOOT)
    fleet.config["upgrades"] = {"securityUpdates": NEXT}
    file = roots(fleet)[MACHINES[1]] / "var/lib/kubeadm-fleet/patched"
    engine = fleet.start(
        "up", "--yes", "--skip-preview", log=fleet.folder / "killed.log", events=None
    )
    await_true(lambda: file.read_text().strip() == NEXT, "the second one's round", seconds=600)
    fleet.kill(engine)
    fleet.run("cancel", "--yes")
    killed = states(fleet, BOOT)
    done = {name for name, its in states(fleet, PATCHED).items() if its == NEXT}
    assert {*MACHINES[:2]} <= done < {*MACHINES}
    fleet.succeed("up", "--yes", "--skip-preview", seconds=UP_SECONDS)
    after = states(fleet, BOOT)
    assert all(after[name] == killed[name] for name in done)
    assert all(after[name] != before[name] for name in MACHINES)
    assert set(states(fleet, INSTALLED).values()) == {"3"}
    nodes = access(fleet).items("get", "nodes")
    assert not any(node["spec"].get("unschedulable") for node in nodes)
    assert fleet.up().changes == {}


def test_an_update_that_fails_stops_the_cluster_at_its_first_machine(fleet: PulumiStack) -> None:
    offer(fleet, "4", postinst="test -e /root/may-go-on")
    before = states(fleet, INSTALLED)
    assert set(before.values()) == {"3"}
    fleet.config["upgrades"] = {"securityUpdates": "20261210T080000Z"}
    failed = fleet.run("up", "--yes", "--skip-preview", seconds=UP_SECONDS)
    assert failed.status != 0
    assert "apt-get could not install the security updates" in failed.output
    assert [name for name, its in states(fleet, INSTALLED).items() if its == "4"] == MACHINES[:1]
    for root in roots(fleet).values():
        (root / "root/may-go-on").touch()
    fleet.succeed("up", "--yes", "--skip-preview", seconds=UP_SECONDS)
    assert set(states(fleet, INSTALLED).values()) == {"4"}
