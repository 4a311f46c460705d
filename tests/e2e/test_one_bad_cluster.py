"""A cluster whose host does not answer stops nobody but itself."""

import json
import os
from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from components.resources.nspawn import network
from model.ssh import new_key_pair
from scripts.bench.subnet import subnet
from tests.e2e.pulumi_stack import PulumiStack
from tests.machines import host
from tests.workshop import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow]

HOST_KEY = new_key_pair("nobody").public


@pytest.fixture
def dead() -> Iterator[str]:
    """An address that this host is next to, and that nobody has."""
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
                "controlPlanes": {"hosts": [{"address": dead, "hostKey": HOST_KEY}]},
            },
            "cluster2": {"machines": {"driver": "container", "subnet": str(own)}},
        },
    }


def test_the_others_finish_and_the_summary_says_which_failed(dead: str) -> None:
    with workshop() as folder, subnet(86) as own:
        stack = PulumiStack(folder, "test", config(dead, own))
        stack.secrets = {"hosts": new_key_pair("nobody").private_openssh}
        stack.create()
        try:
            finished = stack.run("up", "--yes", "--skip-preview", "--parallel", "32")
            assert finished.status != 0
            assert "root@" + dead + ":22 cannot be reached" in finished.output
            clusters = json.loads(stack.succeed("stack", "output", "clusters", "--json").output)
            assert {name: each["whole"] for name, each in clusters.items()} == {
                "cluster1": False,
                "cluster2": True,
            }
            assert [node["ready"] for node in clusters["cluster2"]["nodes"]] == [True]
        finally:
            marks = stack.marks()
            stack.destroy()
        left = host.parts(*marks)
        assert not any(left.values()), left
