"""Three control planes on named hosts, end to end with the real engine, replaced and removed."""

from pathlib import Path
from typing import Any

import pytest

from ops.errors import OperatorError
from ops.kube import client, etcd
from ops.wait import NotYet, wait_until
from tests.e2e.kubectl import Kubectl
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.stack import HostsStack
from tests.ops.hosts.steps import changes, condition
from tests.ops.hosts.test_fleet import described, named

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

NAMES = ("cp-a", "cp-b", "cp-c")
HEALTHY_SECONDS = 60


def highly_available(lab: Lab, hosts: dict[str, BareHost]) -> dict[str, Any]:
    """The config of a cluster with these control planes by name."""
    config = described({"user": "root"}, next(iter(hosts.values())))
    cluster = config["clusters"]["edge"]
    cluster["endpoint"] = {"vip": f"{lab.address(100)}:8443"}
    cluster["controlPlanes"]["hosts"] = {name: named(host) for name, host in hosts.items()}
    return config


def members(kubeconfig: str) -> dict[str, str]:
    """The addresses of etcd's members by the names of their Nodes, once all are healthy."""

    def healthy() -> dict[str, str]:
        found = etcd.members(client.of(kubeconfig))
        if unhealthy := [str(member) for member in found if member.learner or not member.healthy]:
            raise NotYet("; ".join(unhealthy))
        return {member.name: member.address for member in found}

    return wait_until(healthy, HEALTHY_SECONDS, AssertionError, passing=(OperatorError,))


def test_an_unfit_successor_changes_nothing_and_the_first_two_leave_alone(
    lab: Lab, tmp_path: Path
) -> None:
    hosts = {name: lab.boot(name, last) for last, name in enumerate(NAMES, start=11)}
    former, other = hosts["cp-b"], lab.boot("other", 14)
    before = {host: condition(host) for host in (*hosts.values(), other)}
    config = highly_available(lab, hosts)
    stack = HostsStack(tmp_path / "stack", config, sshPrivateKey=lab.key.private_openssh)
    stack.create()
    stack.up()
    kubeconfig = stack.output("kubeconfig")
    found = members(kubeconfig)
    assert found == {f"edge-{name}": hosts[name].address for name in NAMES}

    other.shell("mkdir /etc/kubernetes; touch /etc/kubernetes/admin.conf")
    hosts["cp-b"] = other
    stack.config = highly_available(lab, hosts)
    for verb in (("preview",), ("up", "--yes", "--skip-preview")):
        refused = stack.run(*verb)
        assert refused.status != 0
        assert f"edge-cp-b cannot be replaced by root@{other.address}:22" in refused.output
        assert "leftovers of an earlier installation: /etc/kubernetes" in refused.output
        assert members(kubeconfig) == found
    other.shell("rm -r /etc/kubernetes")
    stack.up()
    assert members(kubeconfig) == {**found, "edge-cp-b": other.address}
    assert changes(former, before[former]) == {}

    left = {name: hosts.pop(name) for name in NAMES[:2]}
    stack.config = highly_available(lab, hosts)
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig)
    kubectl = Kubectl(path)
    uid = ("get", "node", "edge-cp-c", "--output", "jsonpath={.metadata.uid}")
    then = kubectl(*uid)
    stack.up()
    assert kubectl.node_names() == ["edge-cp-c"]
    assert kubectl(*uid) == then
    assert members(kubeconfig) == {"edge-cp-c": found["edge-cp-c"]}
    for host in left.values():
        assert changes(host, before[host]) == {}, host.name
    assert (run := stack.up()).changes == {}, run.output
    stack.destroy()
