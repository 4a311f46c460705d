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

SOME_SPACE = {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"}


def named(host: BareHost) -> dict[str, str]:
    """A host as the config names it."""
    return {"address": host.address, "hostKey": host.host_key}


def described(
    ssh: dict[str, Any], control_plane: BareHost, *workers: BareHost, **other: Any
) -> dict[str, Any]:
    """The config of a cluster of these hosts."""
    return {
        "kubernetesVersion": VERSION.removeprefix("v"),
        "machines": {"driver": "existing", "ssh": ssh},
        # These hosts have no disk of their own: a share of this machine's says nothing of them.
        "kubelet": {"imageGCHighThresholdPercent": 100, "evictionHard": SOME_SPACE},
        "clusters": {
            "edge": {
                "controlPlanes": {"hosts": [named(control_plane)]},
                "workers": {"hosts": [named(worker) for worker in workers]},
            }
        },
        **other,
    }


def hide_behind(bastion: BareHost, host: BareHost) -> None:
    """Let the user in from the bastion only."""
    host.shell(
        f"echo 'Match User {USER} Address *,!{bastion.address}\n  PubkeyAuthentication no'"
        " >/etc/ssh/sshd_config.d/hidden.conf\nsystemctl reload ssh"
    )


def test_a_cluster_behind_a_bastion_comes_and_goes(lab: Lab, tmp_path: Path) -> None:
    bastion = lab.boot("bastion", 10, cpus=1)
    hosts = [lab.boot("cp", 11), lab.boot("w", 101)]
    for host in hosts:
        hide_behind(bastion, host)
        host.shell("sysctl --quiet --write net.ipv4.ip_forward=0")
    before = [condition(host) for host in hosts]
    way = {"host": bastion.address, "user": USER, "hostKey": bastion.host_key}
    config = described({"user": USER, "sudo": True, "bastion": way}, *hosts)
    stack = HostsStack(tmp_path / "stack", config, lab.key.private_openssh)
    stack.create()

    bastion.pause()
    plan = stack.planned()
    bastion.resume()
    assert "edge-worker-0" in {step["urn"].rpartition("::")[2] for step in plan}

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


def test_a_cluster_comes_from_a_mirror(lab: Lab, tmp_path: Path) -> None:
    host = lab.boot("cp", 11)
    with mirrors.serving(lab.gateway, VERSION) as mirror:
        artifacts = {"source": "upstream", "mirror": mirror.url}
        config = described({"user": "root"}, host, artifacts=artifacts)
        stack = HostsStack(tmp_path / "stack", config, lab.key.private_openssh)
        stack.create()
        print(stack.up().output)
        assert stack.up().changes == {}
        assert f"v2/kube-apiserver/manifests/{VERSION}" in mirror.asked
        assert "v2/flannel-io/flannel/manifests/v0.28.10" in mirror.asked
        stack.destroy()
