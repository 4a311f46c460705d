"""Invalid configs of existing hosts: path and message of each problem."""

import pytest

from tests.model.examples import ABSENT, EXISTING, HOST_KEY, changed
from tests.model.refusals import Case, check_refused, problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
HOST = f"{ONE}/controlPlanes/hosts/0"

CASES: dict[str, Case] = {
    "no host key": ([(f"{HOST}/hostKey", ABSENT)],
        "clusters.cluster1.controlPlanes.hosts[0].hostKey", "missing"),
    "half a host key": (
        [(f"{HOST}/hostKey", HOST_KEY[:-8])],
        "clusters.cluster1.controlPlanes.hosts[0].hostKey", "truncated",
    ),
    "a line of known_hosts": (
        [(f"{HOST}/hostKey", f"10.20.1.11 {HOST_KEY}")],
        "clusters.cluster1.controlPlanes.hosts[0].hostKey", "not a public key",
    ),
    "an RSA host key": (
        [(f"{HOST}/hostKey", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCvZcTSKsyicnD4hUxDfGAmy0")],
        "clusters.cluster1.controlPlanes.hosts[0].hostKey", "an ssh-rsa key cannot be pinned",
    ),
    "bastion without a host key": (
        [("machines/ssh/bastion/hostKey", ABSENT)], "machines.ssh.bastion.hostKey", "missing",
    ),
    "an address twice in a cluster": (
        [(f"{ONE}/workers/hosts/0/address", "10.20.1.13")],
        "clusters.cluster1.workers.hosts[0].address",
        "cluster1-worker-0 has the same node address as cluster1-control-plane-2",
    ),
    "an SSH address twice": (
        [(f"{ONE}/controlPlanes/hosts/1", {"address": "10.20.1.11", "hostKey": HOST_KEY,
                                           "nodeAddress": "192.168.1.12"})],
        "clusters.cluster1.controlPlanes.hosts[1].address",
        "cluster1-control-plane-1 has the same SSH address as cluster1-control-plane-0",
    ),
    "an address of another cluster": (
        [(TWO, {"controlPlanes": {"hosts": [{"address": "10.20.1.101", "hostKey": HOST_KEY}]}})],
        "clusters.cluster2.controlPlanes.hosts[0].address",
        "cluster2-control-plane-0 has the same node address as cluster1-worker-0",
    ),
    "an address that a container machine gets": (
        [(TWO, {"machines": {"driver": "container", "subnet": "10.20.1.0/24"}}),
         (f"{ONE}/workers/hosts/0/address", "10.20.1.11"),
         (f"{ONE}/controlPlanes/hosts/0/address", "10.20.7.1")],
        "clusters.cluster2.machines.subnet",
        "cluster2-control-plane-0 has the same node address as cluster1-worker-0",
    ),
    "a name without a node address": (
        [(f"{ONE}/controlPlanes/hosts/1/nodeAddress", ABSENT)],
        "clusters.cluster1.controlPlanes.hosts[1].nodeAddress", "node12.example.com is a DNS name",
    ),
    "an address that is none": (
        [(f"{HOST}/address", "10.20.1.300")],
        "clusters.cluster1.controlPlanes.hosts[0].address", "300",
    ),
    "a host inside the pod network": (
        [(f"{ONE}/workers/hosts/0/address", "10.244.3.4")],
        "clusters.cluster1.workers.hosts[0].address", "is inside 10.244.0.0/16",
    ),
    "no hosts": (
        [(f"{ONE}/controlPlanes", {})],
        "clusters.cluster1.controlPlanes.hosts", "at least one control plane",
    ),
    "two hosts": (
        [(f"{ONE}/controlPlanes/hosts", [
            {"address": "10.20.1.11", "hostKey": HOST_KEY},
            {"address": "10.20.1.12", "hostKey": HOST_KEY},
        ])],
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
        [(f"{ONE}/workers/hosts/0", "10.20.1.101")],
        "clusters.cluster1.workers.hosts[0]", "not a mapping",
    ),
    "hosts as a mapping": (
        [(f"{ONE}/workers/hosts", {"a": 1})], "clusters.cluster1.workers.hosts", "not a list",
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
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers/hosts/0/address", "10.244.3.4")))
    assert problem.allowed == "an address outside 10.244.0.0/16"


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_config_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(EXISTING, case)
