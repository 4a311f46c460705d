"""Invalid configs of existing hosts: path and message of each problem."""

import pytest
import yaml

from model.load import load
from tests.model.examples import ABSENT, EXISTING, HOST_KEY, changed, host_key
from tests.model.refusals import Case, check_refused, problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
HOST = f"{ONE}/controlPlanes/hosts/cp-a"

CASES: dict[str, Case] = {
    "no host key": ([(f"{HOST}/hostKey", ABSENT)],
        "clusters.cluster1.controlPlanes.hosts.cp-a.hostKey", "missing"),
    "half a host key": (
        [(f"{HOST}/hostKey", HOST_KEY[:-8])],
        "clusters.cluster1.controlPlanes.hosts.cp-a.hostKey", "truncated",
    ),
    "a line of known_hosts": (
        [(f"{HOST}/hostKey", f"10.20.1.11 {HOST_KEY}")],
        "clusters.cluster1.controlPlanes.hosts.cp-a.hostKey", "not a public key",
    ),
    "an RSA host key": (
        [(f"{HOST}/hostKey", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCvZcTSKsyicnD4hUxDfGAmy0")],
        "clusters.cluster1.controlPlanes.hosts.cp-a.hostKey", "an ssh-rsa key cannot be pinned",
    ),
    "bastion without a host key": (
        [("machines/ssh/bastion/hostKey", ABSENT)], "machines.ssh.bastion.hostKey", "missing",
    ),
    "an address twice in a cluster": (
        [(f"{ONE}/workers/hosts/rack1-a/address", "10.20.1.13")],
        "clusters.cluster1.workers.hosts.rack1-a.address",
        "cluster1-rack1-a has the same node address as cluster1-cp-c "
        "(kubeadm-fleet:fleet.clusters.cluster1.controlPlanes.hosts.cp-c.address)",
    ),
    "an SSH address twice": (
        [(f"{ONE}/controlPlanes/hosts/cp-b", {"address": "10.20.1.11", "hostKey": host_key(2),
                                              "nodeAddress": "192.168.1.12"})],
        "clusters.cluster1.controlPlanes.hosts.cp-b.address",
        "cluster1-cp-b has the same SSH address as cluster1-cp-a",
    ),
    "an address of another cluster": (
        [(f"{TWO}/controlPlanes/hosts/cp-a", {"address": "10.20.1.101", "hostKey": host_key(2)})],
        "clusters.cluster2.controlPlanes.hosts.cp-a.address",
        "cluster2-cp-a has the same node address as cluster1-rack1-a",
    ),
    "an address that a container machine gets": (
        [(TWO, {"machines": {"driver": "container", "subnet": "10.20.1.0/24"}}),
         (f"{ONE}/workers/hosts/rack1-a/address", "10.20.1.11"),
         (f"{ONE}/controlPlanes/hosts/cp-a/address", "10.20.7.1")],
        "clusters.cluster2.machines.subnet",
        "cluster2-control-plane-0 has the same node address as cluster1-rack1-a",
    ),
    "a name without a node address": (
        [(f"{ONE}/controlPlanes/hosts/cp-b/nodeAddress", ABSENT)],
        "clusters.cluster1.controlPlanes.hosts.cp-b.nodeAddress",
        "node12.example.com is a DNS name",
    ),
    "an address that is none": (
        [(f"{HOST}/address", "10.20.1.300")],
        "clusters.cluster1.controlPlanes.hosts.cp-a.address", "300",
    ),
    "a host inside the pod network": (
        [(f"{ONE}/workers/hosts/rack1-a/address", "10.244.3.4")],
        "clusters.cluster1.workers.hosts.rack1-a.address", "is inside 10.244.0.0/16",
    ),
    "no hosts": (
        [(f"{ONE}/controlPlanes", {})],
        "clusters.cluster1.controlPlanes.hosts", "at least one control plane",
    ),
    "two hosts": (
        [(f"{ONE}/controlPlanes/hosts/cp-b", ABSENT)],
        "clusters.cluster1.controlPlanes.hosts", "odd number",
    ),
    "a count that is not that of the hosts": (
        [(f"{ONE}/workers/count", 2)], "clusters.cluster1.workers.count", "the number of hosts (1)",
    ),
    "sizes for hosts": (
        [(f"{ONE}/workers/memory", "2Gi")],
        "clusters.cluster1.workers.memory", "not supported by driver existing",
    ),
    "a subnet for hosts": (
        [(f"{ONE}/machines/subnet", "10.89.1.0/24")],
        "clusters.cluster1.machines.subnet", "not supported by driver existing",
    ),
    "another user without sudo": (
        [("machines/ssh/sudo", False)], "machines.ssh.sudo", "ubuntu is not root",
    ),
    "a password for sudo that is not used": (
        [("machines/ssh", {"user": "root", "sudoPassword": "sudo"})],
        "machines.ssh.sudoPassword", "sudo is not enabled",
    ),
    "a host as text": (
        [(f"{ONE}/workers/hosts/rack1-a", "10.20.1.101")],
        "clusters.cluster1.workers.hosts.rack1-a", "not a mapping",
    ),
    "hosts as a list": (
        [(f"{ONE}/workers/hosts", [{"address": "10.20.1.101", "hostKey": HOST_KEY}])],
        "clusters.cluster1.workers.hosts", "not a mapping",
    ),
    "a host key twice": (
        [(f"{ONE}/workers/hosts/rack1-a/hostKey", HOST_KEY)],
        "clusters.cluster1.workers.hosts.rack1-a.hostKey",
        "cluster1-rack1-a has the same host key as cluster1-cp-a "
        "(kubeadm-fleet:fleet.clusters.cluster1.controlPlanes.hosts.cp-a.hostKey)",
    ),
    "a port that is none": (
        [("machines/ssh/port", 0)], "machines.ssh.port", "out of range 1 to 65535",
    ),
    "a user that is none": (
        [("machines/ssh/user", "a b")], "machines.ssh.user", "not a user",
    ),
    "a key instead of its name": (
        [("machines/ssh/privateKey", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r")],
        "machines.ssh.privateKey", "not the name of a config value",
    ),
}  # fmt: skip


def test_keys_of_another_driver_are_answered_with_those_of_this_one() -> None:
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers/memory", "2Gi")))
    assert problem.allowed == "keys of this driver: hosts; or another driver"


def test_a_host_inside_a_network_is_answered_with_where_it_may_be() -> None:
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers/hosts/rack1-a/address", "10.244.3.4")))
    assert problem.allowed == "an address outside 10.244.0.0/16"


def test_a_list_of_hosts_is_answered_with_the_form_to_use() -> None:
    hosts = [{"address": "10.20.1.101", "hostKey": HOST_KEY}]
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers/hosts", hosts)))
    assert problem.allowed == "a mapping from names to hosts"
    form = yaml.safe_load(problem.example)["hosts"]
    load(changed(EXISTING, (f"{ONE}/workers/hosts", {
        name: {**host, "hostKey": host_key(2)} for name, host in form.items()
    })))  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_config_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(EXISTING, case)
