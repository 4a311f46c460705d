"""A virtual address on existing hosts: who holds it, and its removal."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.fleet import Cluster
from model.load import load
from model.pki import certificates
from model.render.machine_files import ManagedFile, machine_files
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import wanted
from tests.ops.hosts.steps import StepResult, changes, condition, prepare, step
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()
OURS = "kubeadm-fleet-haproxy kubeadm-fleet-keepalived"
TAKEOVER_SECONDS = 10  # 1.1 by its own figures, on a machine that has time for it


def described(lab: Lab, *lasts: int) -> Cluster:
    """A cluster whose control planes have the lab's addresses that end so."""
    hosts = {
        f"cp-{last}": {"address": lab.address(last), "hostKey": "insecure-accept-any"}
        for last in lasts
    }
    cluster = {"endpoint": {"vip": f"{lab.address(100)}:8443"}, "controlPlanes": {"hosts": hosts}}
    return load({"machines": {"driver": "existing"}, "clusters": {"one": cluster}}).clusters[0]


def prepare_as(host: BareHost, cluster: Cluster) -> StepResult:
    """Prepare the host as the control plane of the cluster that has its address."""
    ran = try_as(host, cluster)
    assert ran.status == 0, ran.said
    return ran


def try_as(host: BareHost, cluster: Cluster, **other: str) -> StepResult:
    """The same, whatever becomes of it."""
    (machine,) = (each for each in cluster.control_planes if each.address == host.address)
    assert cluster.vip
    others = (peer.address for peer in cluster.control_planes if peer != machine)
    return prepare(
        host,
        machine_files(cluster, machine),
        ROLE="control-plane",
        VIP=str(cluster.vip.address),
        VIP_PORT=str(cluster.vip.port),
        PEERS=" ".join(others),
        **other,
    )


def holders(lab: Lab, hosts: list[BareHost]) -> list[BareHost]:
    shown = "ip -oneline -4 address show dev eth0"
    return [host for host in hosts if f"{lab.address(100)}/32" in _outside(host, *shown.split())]


def _outside(host: BareHost, *command: str) -> str:
    """Run a command in the host's network, without asking the host."""
    inside = ["ip", "netns", "exec", host.spec.unit, *command]
    return subprocess.run(inside, capture_output=True, text=True, check=True).stdout


def test_one_control_plane_holds_the_address_and_release_removes_it(lab: Lab, bundle: None) -> None:
    hosts = [lab.boot(f"one-control-plane-{index}", 11 + index) for index in range(2)]
    hosts[0].shell("sysctl --quiet --write net.ipv4.ip_forward=0")
    before = condition(hosts[0])
    outs = [HOSTS.create(wanted(host, role="control-plane")).outs for host in hosts]
    cluster = described(lab, 11, 12, 13)
    for host in hosts:
        prepare_as(host, cluster)
        assert host.shell(f"systemctl is-active {OURS}").split() == ["active"] * 2
        distribution = host.shell("systemctl is-active haproxy keepalived || true")
        assert distribution.split() == ["inactive"] * 2
        assert {"haproxy", "keepalived"} <= set(
            host.shell("cat /var/lib/kubeadm-fleet/packages").split()
        )
    await_true(lambda: len(holders(lab, hosts)) == 1, "one host to hold the address")

    assert "changed" not in prepare_as(hosts[0], cluster).said
    (holder,) = holders(lab, hosts)
    started = holder.shell(f"systemctl show --property=MainPID {OURS}")
    assert "changed: /etc/kubeadm-fleet/" in prepare_as(holder, described(lab, 11, 12, 14)).said
    assert holder.shell(f"systemctl show --property=MainPID {OURS}") == started
    assert holders(lab, hosts) == [holder], "another configuration moves nothing"
    assert not is_served(holder, lab.address(100), 8443)
    with unready_api_server(holder):
        # It takes them for ready until their first checks have failed.
        await_true(lambda: is_served(holder, lab.address(100), 8443), "what is not ready")

    (other,) = (host for host in hosts if host != holder)
    holder.pause()
    await_true(lambda: other in holders(lab, hosts), "the other to take over", TAKEOVER_SECONDS)
    holder.resume()
    await_true(lambda: len(holders(lab, hosts)) == 1, "one of them to give way")

    assert outs[0]
    HOSTS.delete("", outs[0])
    await_true(lambda: holders(lab, hosts) == [hosts[1]], "the address to be handed over")
    assert changes(hosts[0], before) == {}


@contextmanager
def unready_api_server(host: BareHost) -> Iterator[None]:
    """What accepts connections on the API server's port, and fails each check."""
    greet = "systemd-socket-activate --accept --inetd --listen=6443 echo here"
    host.shell(f"systemd-run --quiet --unit=unready {greet}")
    host.shell("until ss --listening --tcp --numeric | grep --quiet :6443; do sleep 0.1; done")
    try:
        yield
    finally:
        host.shell("systemctl stop unready")


def is_served(host: BareHost, address: str, port: int) -> bool:
    """Whether a connection to the address reaches that."""
    ask = f"read -r -t 5 said <>/dev/tcp/{address}/{port}; echo $said"
    return host.shell(f"bash -c '{ask}' 2>&1").strip() == "here"


def test_an_address_in_use_is_not_claimed(lab: Lab, bundle: None) -> None:
    host = lab.boot("one-control-plane-0", 11)
    HOSTS.create(wanted(host, role="control-plane"))
    cluster = described(lab, 11, 12, 13)
    with foreign_host(lab) as hardware_address:
        ran = try_as(host, cluster)
        assert ran.status == 1
        assert f"{lab.address(100)} is in use by {hardware_address}," in ran.said
        assert not (host.root / "etc/kubeadm-fleet/keepalived.conf").exists()
        authority = certificates.new_authority("kubernetes", timedelta(days=1)).cert_pem
        assert try_as(host, cluster, CA_CERTIFICATE=authority).status == 1
    with foreign_host(lab, lab.address(12)):
        assert try_as(host, cluster).status == 0, "it is the other control plane"
        assert try_as(host, described(lab, 11, 13, 14)).status == 0, "it takes part already"


@contextmanager
def foreign_host(lab: Lab, *more: str) -> Iterator[str]:
    """A neighbour with the virtual address, and more; its hardware address."""
    inside = ["ip", "-n", "foreign_host"]
    addresses = [
        [*inside, "address", "add", f"{each}/24", "dev", "eth0"]
        for each in (lab.address(100), *more)
    ]
    link = [
        "ip",
        "link",
        "add",
        "foreign_host",
        "type",
        "veth",
        "peer",
        "eth0",
        "netns",
        "foreign_host",
    ]
    subprocess.run(["ip", "netns", "add", "foreign_host"], check=True)
    try:
        for command in (
            link,
            ["ip", "link", "set", "foreign_host", "up", "master", lab.bridge],
            *addresses,
            [*inside, "link", "set", "eth0", "up"],
        ):
            subprocess.run(command, check=True)
        shown = [*inside, "-json", "link", "show", "eth0"]
        (described,) = json.loads(subprocess.run(shown, capture_output=True, check=True).stdout)
        yield described["address"]
    finally:
        subprocess.run(["ip", "netns", "delete", "foreign_host"], check=True)


def test_an_invalid_configuration_leaves_the_old_one(lab: Lab, bundle: None) -> None:
    host = lab.boot("one-control-plane-0", 11)
    HOSTS.create(wanted(host, role="control-plane"))
    prepare_as(host, described(lab, 11))
    ran = prepare(
        host, [ManagedFile("/etc/kubeadm-fleet/haproxy.cfg", "load-balancer", "nonsense\n")]
    )
    assert ran.status == 1
    assert "nonsense" in ran.said
    assert host.shell(f"systemctl is-active {OURS}").split() == ["active"] * 2
    host.shell(
        "systemctl stop kubeadm-fleet-haproxy; systemctl is-active kubeadm-fleet-haproxy || true"
    )
    assert prepare_as(host, described(lab, 11)).status == 0
    assert host.shell(f"systemctl is-active {OURS}").split() == ["active"] * 2


def test_a_second_cluster_is_not_initialized_beside_the_first(lab: Lab, bundle: None) -> None:
    host, other = lab.boot("host-0", 11), lab.boot("host-1", 12)
    HOSTS.create(wanted(host, role="control-plane"))
    assert prepare(host, ROLE="control-plane").status == 0
    settings = {
        "ENDPOINT": f"{lab.address(100)}:8443",
        "OTHER_CONTROL_PLANES": f"{other.address} {lab.address(13)}",
        "CA_CERTIFICATE": certificates.new_authority("kubernetes", timedelta(days=1)).cert_pem,
        "MEMBERSHIP": "anything",
    }
    etcd = subprocess.Popen(
        ["ip", "netns", "exec", other.spec.unit, "python3", "-c", LISTEN], stdout=subprocess.PIPE
    )
    try:
        assert etcd.stdout
        assert etcd.stdout.readline()
        ran = step(host, "init", **settings)
    finally:
        etcd.kill()
        etcd.wait()
    assert ran.status == 1
    assert f"other control planes of the cluster do: {other.address} (its etcd)" in ran.said
    assert not (host.root / "etc/kubernetes").exists()


LISTEN = """
import socket, time
listening = socket.create_server(("", 2380))
print("listening", flush=True)
time.sleep(60)
"""
