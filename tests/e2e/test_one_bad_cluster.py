"""A host that is not there stops only its own cluster, and is reported once."""

import json
import os
from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from model.ssh_keys import new_key_pair
from ops.nspawn import network
from scripts.bench.subnet import subnet
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow]

HOST_KEY = new_key_pair("unused").public


@pytest.fixture
def dead() -> Iterator[str]:
    """Return an unused address in a subnet of this host."""
    with subnet(86) as silent:
        bridge = f"kf{os.urandom(6).hex()}"
        network.make_bridge(bridge, f"{silent[1]}/24")
        try:
            yield str(silent[9])
        finally:
            network.remove_bridge(bridge)


def config(dead: str, own: IPv4Network) -> dict[str, object]:
    """Describe a cluster of a host that is not there, and one of container machines."""
    return {
        "machines": {"cpus": 2, "memory": "2Gi", "ssh": {"privateKey": "hosts"}},
        "clusters": {
            "cluster1": {
                "machines": {"driver": "existing"},
                "controlPlanes": {"hosts": {"dead": {"address": dead, "hostKey": HOST_KEY}}},
            },
            "cluster2": {
                "machines": {"driver": "container", "subnet": str(own)},
                "networking": networks(2),
            },
        },
    }


def test_other_clusters_finish_and_the_summary_names_the_failed_one(dead: str) -> None:
    with workshop() as folder, subnet(86) as own:
        stack = PulumiStack(folder, "test", config(dead, own))
        stack.secrets = {"hosts": new_key_pair("unused").private_openssh}
        stack.create()
        try:
            finished = stack.run("up", "--yes", "--skip-preview", "--parallel", "32")
            assert finished.status != 0
            assert "root@" + dead + ":22 cannot be reached" in finished.output
            assert "Traceback" not in finished.output
            clusters = json.loads(stack.succeed("stack", "output", "clusters", "--json").output)
            assert {name: each["ready"] for name, each in clusters.items()} == {
                "cluster1": False,
                "cluster2": True,
            }
            assert [node["ready"] for node in clusters["cluster2"]["nodes"]] == [True]
        finally:
            marks = stack.marks()
            stack.destroy()
        left = host.parts(*marks)
        assert not any(left.values()), left
