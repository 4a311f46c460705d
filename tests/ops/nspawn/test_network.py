"""The bridge of a cluster, on this host."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.nspawn import firewall
from scripts.bench.subnet import subnet
from tests.ops.nspawn.fleet import MACHINES, NETWORKS, Outs, TestFleet

pytestmark = pytest.mark.root


def test_a_bridge_has_the_gateway_address_and_a_unique_name(
    fleet: TestFleet, network: Outs
) -> None:
    assert network["gateway"] == f"{fleet.prefix}.1"
    assert len(network["bridge"]) <= 15
    (link,) = json.loads(_ip("-json", "address", "show", "dev", network["bridge"]))
    assert f"{network['gateway']}/24" in [
        f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]
    ]
    with subnet(88) as another:
        other = TestFleet(fleet.machines_dir, str(another[0]).removesuffix(".0"))
        made = other.make_network()
        assert made["bridge"] != network["bridge"]
        NETWORKS.delete("", made)


def test_an_existing_bridge_is_not_changed(fleet: TestFleet, network: Outs) -> None:
    assert not NETWORKS.diff("", network, fleet.network_inputs()).changes
    index = Path(f"/sys/class/net/{network['bridge']}/ifindex").read_text()
    assert fleet.make_network() == network
    assert Path(f"/sys/class/net/{network['bridge']}/ifindex").read_text() == index


def test_a_bridge_keeps_its_hardware_address_when_machines_come_and_go(
    fleet: TestFleet, network: Outs
) -> None:
    address = Path(f"/sys/class/net/{network['bridge']}/address")
    before = address.read_text()
    machines = [fleet.make(network, index) for index in range(2)]
    assert address.read_text() == before
    for machine in machines:
        MACHINES.delete("", machine)
        assert address.read_text() == before


def test_another_subnet_is_another_bridge(fleet: TestFleet, network: Outs) -> None:
    diff = NETWORKS.diff("", network, {**fleet.network_inputs(), "subnet": "10.88.0.0/24"})
    assert diff.replaces == ["subnet"]
    assert diff.delete_before_replace


@pytest.fixture
def link(fleet: TestFleet) -> Iterator[str]:
    """An interface of this host that is no machine's."""
    name = f"kt{fleet.owner[:12]}"
    _ip("link", "add", name, "type", "bridge")
    _ip("link", "set", name, "up")
    yield name
    _ip("link", "delete", name)


def test_a_subnet_of_another_interface_is_rejected(fleet: TestFleet, link: str) -> None:
    _ip("address", "add", f"{fleet.prefix}.129/25", "dev", link)
    with pytest.raises(OperatorError, match=f"overlaps .*\\.128/25, .* through {link}.*subnet"):
        fleet.make_network()
    assert fleet.left() == {}


def test_a_subnet_with_another_route_is_rejected(fleet: TestFleet, link: str) -> None:
    _ip("route", "add", f"{fleet.prefix}.64/26", "dev", link)
    with pytest.raises(OperatorError, match=f"overlaps .*\\.64/26, .* through {link}.*subnet"):
        fleet.make_network()
    assert fleet.left() == {}


# Runs in a network namespace of its own, so that the host's rules stay as they are.
FILTERED = """
import subprocess
from ops.nspawn import firewall
firewall.SETTING.write_text("1")
def rules():
    return subprocess.run(["iptables-save", "-t", "filter"], capture_output=True, text=True).stdout
firewall.allow("kftest")
assert "kftest" not in rules(), "nothing is filtered: no rule is needed"
subprocess.run(["iptables", "--policy", "FORWARD", "DROP"], check=True)
firewall.allow("kftest")
firewall.allow("kftest")
assert rules().count("-i kftest -o kftest") == 1, rules()
firewall.forget("kftest")
firewall.forget("kftest")
assert "kftest" not in rules(), rules()
"""


def test_machines_communicate_on_a_host_that_drops_forwarded_packets() -> None:
    """As Docker makes every host do."""
    finished = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", FILTERED],
        cwd=Path(firewall.__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout
