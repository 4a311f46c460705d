"""End to end: the real engine makes clusters of hosts that were there before it."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kubectl import Kubectl
from tests.hosts import mirror as mirrors
from tests.hosts.bare import USER
from tests.hosts.lab import BareHost, Lab
from tests.hosts.stack import HostsStack
from tests.hosts.steps import condition
from tests.hosts.stock import VERSION

pytestmark = [pytest.mark.root, pytest.mark.slow]


@pytest.fixture
def hosts(lab: Lab) -> list[BareHost]:
    """Two hosts to which only the third, a bastion, gets through with SSH."""
    bastion = lab.boot("bastion", 10, cpus=1)
    found = [lab.boot("cp", 11), lab.boot("w", 101), bastion]
    for host in found[:2]:
        host.shell(
            f"echo 'Match User {USER} Address *,!{bastion.address}\n  PubkeyAuthentication no'"
            " >/etc/ssh/sshd_config.d/hidden.conf\nsystemctl reload ssh\n"
            "sysctl --quiet --write net.ipv4.ip_forward=0"
        )
    return found


def described(hosts: list[BareHost], **other: Any) -> dict[str, Any]:
    """The config of a cluster of these hosts."""
    control_plane, worker, bastion = hosts
    ssh = {
        "user": USER,
        "sudo": True,
        "bastion": {"host": bastion.address, "user": USER, "hostKey": bastion.host_key},
    }
    return {
        "kubernetesVersion": VERSION.removeprefix("v"),
        "machines": {"driver": "existing", "ssh": ssh},
        "clusters": {
            "edge": {
                "controlPlanes": {
                    "hosts": [{"address": control_plane.address, "hostKey": control_plane.host_key}]
                },
                "workers": {"hosts": [{"address": worker.address, "hostKey": worker.host_key}]},
            }
        },
        **other,
    }


def test_a_cluster_comes_and_goes(hosts: list[BareHost], lab: Lab, tmp_path: Path) -> None:
    stack = HostsStack(tmp_path / "stack", described(hosts), lab.key.private_openssh)
    stack.create()
    for host in hosts:
        host.pause()
    plan = stack.planned()
    assert "edge-worker-0" in {step["urn"].rpartition("::")[2] for step in plan}
    for host in hosts:
        host.resume()
    before = [condition(host) for host in hosts]

    first = stack.up()
    print(first.output)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(stack.output("kubeconfig"))
    assert Kubectl(kubeconfig).node_names() == ["edge-control-plane-0", "edge-worker-0"]
    assert stack.up().changes == {}
    assert stack.refresh().changes == {}
    for line in lab.key.private_openssh.splitlines()[1:-1]:
        assert line not in stack.state() + first.output

    stack.destroy()
    for host, then in zip(hosts, before, strict=True):
        now = condition(host)
        assert {name: set(now[name]) ^ set(then[name]) for name in then} == {
            name: set() for name in then
        }, host.name


def test_a_cluster_from_a_mirror(hosts: list[BareHost], lab: Lab, tmp_path: Path) -> None:
    with mirrors.serving(lab.gateway, VERSION) as mirror:
        artifacts = {"source": "upstream", "mirror": mirror.url}
        config = described(hosts, artifacts=artifacts)
        stack = HostsStack(tmp_path / "stack", config, lab.key.private_openssh)
        stack.create()
        print(stack.up().output)
        assert stack.up().changes == {}
        stack.destroy()
