"""Clusters of existing hosts, end to end with the real engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops.hosts.ssh import connected
from tests.e2e.cis import cis, failed
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import UP_SECONDS
from tests.ops.hosts import mirror as mirrors
from tests.ops.hosts import proxy as proxies
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import VERSION
from tests.ops.hosts.stack import HostsStack
from tests.ops.hosts.steps import changes, condition
from tests.ops.hosts.ubuntu import ubuntu_image
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

PORT = 2222
PASSWORD = "it's a password, $HOME"
INSIDE = "mirror.inside.example.com"
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
                "controlPlanes": {"hosts": {control_plane.name: named(control_plane)}},
                "workers": {"hosts": {worker.name: named(worker) for worker in workers}},
            }
        },
        **other,
    }


def hide_behind(bastion: BareHost, host: BareHost) -> None:
    """Let the user in from the bastion only, at another port only, and have sudo ask a password."""
    host.shell(
        f"printf '%s\\n' 'Port 22' 'Port {PORT}' 'Match User {USER} Address *,!{bastion.address}'"
        f" ' PubkeyAuthentication no' 'Match User {USER} LocalPort 22' ' PubkeyAuthentication no'"
        " >/etc/ssh/sshd_config.d/hidden.conf\nsystemctl restart ssh"
    )
    host.have_sudo_ask(PASSWORD)


def test_a_cluster_behind_a_bastion_is_created_and_destroyed(lab: Lab, tmp_path: Path) -> None:
    bastion = lab.boot("bastion", 10, cpus=1)
    hosts = [lab.boot("cp", 11), lab.boot("w", 101)]
    for host in hosts:
        hide_behind(bastion, host)
        host.shell("sysctl --quiet --write net.ipv4.ip_forward=0")
    before = [condition(host) for host in hosts]
    way = {"host": bastion.address, "user": USER, "hostKey": bastion.host_key}
    ssh = {"user": USER, "port": PORT, "sudo": True, "sudoPassword": "becoming", "bastion": way}
    key = lab.key.private_openssh
    stack = HostsStack(
        tmp_path / "stack", described(ssh, *hosts), sshPrivateKey=key, becoming=PASSWORD
    )
    stack.create()

    bastion.pause()
    plan = stack.planned()
    bastion.resume()
    assert "edge-w" in {step["urn"].rpartition("::")[2] for step in plan}

    first = stack.up()
    print(first.output)
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(stack.output("kubeconfig"))
    assert Kubectl(kubeconfig).node_names() == ["edge-cp", "edge-w"]
    assert (run := stack.up()).changes == {}, run.output
    assert stack.refresh().changes == {}
    _, report = cis(stack)
    assert (report.unreadable, failed(report)) == ((), set())
    assert {each.node for each in report.results} >= {"edge-cp", "edge-w"}
    for line in (*key.splitlines()[1:-1], PASSWORD):
        assert line not in stack.state() + first.output

    stack.destroy()
    for host, then in zip(hosts, before, strict=True):
        assert changes(host, then) == {}, host.name


def test_a_cluster_is_created_through_a_proxy_and_destroyed_despite_a_dead_host(
    lab: Lab, tmp_path: Path
) -> None:
    hosts = [lab.boot("cp", 11), lab.boot("w", 101)]
    key = lab.key.private_openssh
    with (
        mirrors.serving(lab.gateway, VERSION) as mirror,
        proxies.serving(lab.gateway, INSIDE, mirror.url) as proxy,
    ):
        artifacts = {"source": "upstream", "mirror": f"http://{INSIDE}", "sums": mirror.sums}
        behind = {"http": proxy.url, "noProxy": [".local"]}
        config = described({"user": "root"}, *hosts, artifacts=artifacts, proxy=behind)
        stack = HostsStack(tmp_path / "stack", config, sshPrivateKey=key)
        stack.create()
        print(stack.up().output)
        assert (run := stack.up()).changes == {}, run.output
        assert f"/v2/kube-apiserver/manifests/{VERSION}" in proxy.asked
        assert "/v2/flannel-io/flannel/manifests/v0.28.10" in proxy.asked

    hosts[1].pause()
    held = stack.run("destroy", "--yes", "--skip-preview", "--parallel", "32")
    assert held.status != 0
    print(held.output)
    assert "The host was not released." in held.output
    assert "KUBEADM_FLEET_FORGET_HOSTS=edge-w" in held.output
    stack.environment["KUBEADM_FLEET_FORGET_HOSTS"] = "edge-w"
    stack.destroy()
    assert not (hosts[0].root / "var/lib/kubeadm-fleet").exists()
    hosts[1].resume()


@pytest.mark.long
@pytest.mark.ubuntu
def test_ubuntu_and_debian_hosts_form_a_cluster(lab: Lab, tmp_path: Path) -> None:
    hosts = [lab.boot("cp", 11, image=ubuntu_image()), lab.boot("w", 101)]
    for host in hosts:
        with connected(host.login(USER)) as connection:
            # The first login leaves traces of its own.
            assert connection.run("true", [], seconds=10).status == 0
    before = [condition(host) for host in hosts]
    assert "Ubuntu" in hosts[0].shell("cat /etc/os-release")
    config = described({"user": USER, "sudo": True}, *hosts)
    stack = HostsStack(tmp_path / "stack", config, sshPrivateKey=lab.key.private_openssh)
    stack.create()
    stack.up()
    assert (run := stack.up()).changes == {}, run.output
    assert stack.refresh().changes == {}
    stack.destroy()
    for host, then in zip(hosts, before, strict=True):
        assert changes(host, then) == {}, host.name


# What is there on a host of a control plane at the moment when it is reset.
MOMENTS = {
    "artifacts are being sent": "var/lib/kubeadm-fleet/artifacts/incoming",
    "programs are installed": "usr/local/bin/containerd",
    "its kubelet has been started": "var/lib/kubelet/config.yaml",
    "its etcd runs": "var/lib/etcd/member/wal",
}


def reset_when(there: Callable[[], bool], host: BareHost, stack: HostsStack, log: Path) -> None:
    """Reset the host in the middle of an `up`, and wait for the end of that."""
    run = stack.start("up", "--yes", "--skip-preview", log=log)
    await_true(lambda: there() or run.poll() is not None, "the moment", seconds=120)
    assert run.poll() is None, log.read_text()
    host.reset()
    run.wait(timeout=UP_SECONDS)


@pytest.mark.long
def test_a_host_may_be_reset_at_any_moment(lab: Lab, tmp_path: Path) -> None:
    host = lab.boot("cp", 11)
    stack = HostsStack(
        tmp_path / "stack", described({"user": "root"}, host), sshPrivateKey=lab.key.private_openssh
    )
    stack.create()
    for when, path in MOMENTS.items():
        reset_when((host.root / path).exists, host, stack, tmp_path / "up.log")
        print(f"reset when {when}")
    stack.up()
    assert (run := stack.up()).changes == {}, run.output
    stack.destroy()
