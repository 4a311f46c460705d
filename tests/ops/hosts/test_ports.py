"""Ports tried between real hosts, of which some have firewalls."""

from typing import Any

import pytest

from components.providers.port_check import PortCheckProvider
from ops.errors import OperatorError
from ops.hosts.login import Login
from tests.ops.hosts.bare_hosts import BareHost, Lab

pytestmark = pytest.mark.root
PORTS = PortCheckProvider()
CLOSED = """
nft add table inet filter
nft add chain inet filter input '{ type filter hook input priority 0; policy drop; }'
nft add rule inet filter input ct state established,related accept
nft add rule inet filter input iif lo accept
nft add rule inet filter input tcp dport { 22, 10250 } accept
"""


def inputs(*hosts: BareHost, user: str = "ubuntu") -> dict[str, Any]:
    """The check of a cluster whose first two hosts are control planes."""
    logins = {host.name: Login.to_props(host.login(user)) | {"sudo": True} for host in hosts}
    roles = {host.name: "control-plane" if host in hosts[:2] else "worker" for host in hosts}
    return {
        "cluster": "one",
        "endpoint": f"{hosts[0].address}:6443",
        "pod_subnet": "10.244.0.0/16",
        "network": "flannel",
        "vip_port": 8443.0,
        "hosts": {host.name: {"role": roles[host.name], "address": host.address} for host in hosts},
        "machine_ids": {host.name: f"id of {host.name}" for host in hosts},
        "logins": logins,
    }


def refusal(news: dict[str, Any]) -> list[str]:
    with pytest.raises(OperatorError) as caught:
        PORTS.create(news)
    return str(caught.value).splitlines()


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.hosts.ssh.DIAL_SECONDS", 2)


def test_closed_ports_are_named_and_opened_by_the_commands_that_are_shown(lab: Lab) -> None:
    first, second, worker = (lab.boot(f"h{index}", 11 + index, cpus=1) for index in range(3))
    second.shell(CLOSED)
    shown = refusal(inputs(first, second, worker))
    print("\n".join(shown))
    heads = [line.strip() for line in shown[1:-1:2]]
    from_first = f"h0 ({first.address}) does not reach h1 ({second.address}) on"
    assert set(heads) == {
        f"no machine reaches h1 ({second.address}) on TCP 6443 (API server)",
        f"no machine reaches h1 ({second.address}) on TCP 8443 (API at the virtual IP address)",
        f"{from_first} IP protocol 112 (VRRP: who holds the virtual IP address)",
        f"{from_first} TCP 2379 (etcd clients)",
        f"{from_first} TCP 2380 (etcd peers)",
        f"no machine reaches h1 ({second.address}) on UDP 8472 (VXLAN of the pod network)",
    }
    remedies = [line.strip() for line in shown[2:-1:2]]
    assert all(line.startswith("on h1, nft is active: `") for line in remedies)
    for line in remedies:
        second.shell(line.split("`")[1])
    outs = PORTS.create(inputs(first, second, worker)).outs
    assert outs
    assert set(outs["passed"]) == {"h0", "h1", "h2"}
    assert not PORTS.diff("", outs, inputs(first, second, worker)).changes


def test_members_are_left_alone_and_dead_ones_stop_nobody(lab: Lab) -> None:
    first, second, worker = (lab.boot(f"h{index}", 11 + index, cpus=1) for index in range(3))
    # A member: its services have the ports, and what they get they do not take for their own.
    first.shell(
        "apt-get update -qq; apt-get install -qq socat >/dev/null\n"
        f"ip link add flannel.1 type vxlan id 1 dstport 8472 local {first.address} nolearning\n"
        "ip link set flannel.1 up\n"
        "systemd-run --quiet socat TCP-LISTEN:6443,fork,reuseaddr OPEN:/dev/null,wronly"
    )
    olds = PORTS.create(inputs(first)).outs
    assert olds
    second.pause()
    news = inputs(first, second, worker)
    assert PORTS.diff("", olds, news).changes
    outs = PORTS.update("", olds, news).outs
    second.resume()
    assert outs
    assert set(outs["passed"]) == {"h0", "h2"}
    assert first.shell("cat /sys/class/net/flannel.1/statistics/rx_packets").strip() == "0"
    worker.shell(CLOSED)
    with pytest.raises(OperatorError, match=r"no machine reaches h2 .* on UDP 8472") as caught:
        PORTS.update("", olds, news)
    assert "reaches h0" not in str(caught.value)
    assert "TCP" not in str(caught.value)
