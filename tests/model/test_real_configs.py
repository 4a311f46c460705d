"""Configs as people have them: names of their hosts, shapes and keys of other tools."""

from typing import Any

import pytest

from model.config.lookup import schema_at
from tests.model.examples import CONTAINER, EXISTING, changed, host_key
from tests.model.refusals import problems

ONE = "clusters/cluster1"


def test_a_pool_without_anything_says_what_it_needs() -> None:
    config = changed(CONTAINER, (f"{ONE}/workers", {"pools": {"general": None}}))
    assert [problem.example for problem in problems(config)] == ["general: {count: 3}"]


@pytest.mark.parametrize(
    "path",
    [
        "proxy", "proxy/noProxy", "kubelet", "apiServer", "apiServer/certSANs", "networks", "etcd",
        "artifacts", "upgrades", "clusters/a", "clusters/a/labels", "clusters/a/networking",
        "clusters/a/controlPlanes", "clusters/a/workers", "clusters/a/workers/taints",
        "clusters/a/workers/labels", "clusters/a/workers/pools/b", "clusters/a/upgrades",
        "clusters/a/workers/pools/b/upgrades", "machines/ssh",
    ],
)  # fmt: skip
def test_every_part_has_an_example(path: str) -> None:
    assert "..." not in schema_at(tuple(path.split("/"))).snippet


@pytest.mark.parametrize(
    ("path", "value", "allowed", "example"),
    [
        (
            "workers/taints", "gpu=yes:NoSchedule", "a list; each item: key=value:effect",
            'taints: ["dedicated=database:NoSchedule"]',
        ),
        ("workers/labels", ["a=b"], "a mapping; each value: at most 63", "labels: {disk: ssd}"),
        ("workers/hosts", [], "a mapping from names to hosts", "hosts: {rack1-a: {address:"),
        (
            "networking", {"serviceSubnet": "10.96.0.0/8"}, "an IPv4 network in CIDR",
            "serviceSubnet: 10.96.0.0/12",
        ),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_answered_with_the_right_one(
    path: str, value: Any, allowed: str, example: str
) -> None:
    (problem, *_) = problems(changed(CONTAINER, (f"{ONE}/{path}", value)))
    assert problem.allowed.startswith(allowed)
    assert problem.example.startswith(example)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("controlPlanes/kubelet", "it is a key of kubeadm-fleet:fleet.clusters.cluster1"),
        ("controlPlanes/pools", "it is a key of kubeadm-fleet:fleet.clusters.cluster1.workers"),
        ("canaries", "it is a key of kubeadm-fleet:fleet.upgrades"),
    ],
)
def test_a_key_in_the_wrong_place_is_answered_with_the_right_one(path: str, says: str) -> None:
    (problem, *_) = problems(changed(CONTAINER, (f"{ONE}/{path}", {})))
    assert problem.problem == f"unknown key: {says}"
    assert "acceptDataLoss" not in problem.example


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Compute0", "write compute0"),
        ("node1.example.com", "write node1-example-com"),
        ("worker_1", "write worker-1"),
        ("-a-", "write a"),
    ],
)
def test_a_name_that_is_none_is_answered_with_one(name: str, says: str) -> None:
    host = {"address": "10.20.1.101", "hostKey": host_key(1)}
    (of_host,) = problems(changed(EXISTING, (f"{ONE}/workers/hosts", {name: host})))
    (of_pool,) = problems(changed(EXISTING, (f"{ONE}/workers", {"pools": {name: {"hosts": {}}}})))
    (of_cluster,) = problems(changed(CONTAINER, ("clusters", {name: {}}), *subnet(name)))
    assert of_host.problem == f"not the name of a host: {says}"
    assert of_pool.problem == f"not the name of a pool: {says}"
    assert of_cluster.problem == f"the name is not a DNS label: {says}"


def subnet(name: str) -> list[tuple[str, Any]]:
    return [(f"clusters/{name}/machines", {"subnet": "10.89.1.0/24"})]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("Node1.Example.com.", "write node1.example.com"),
        ("2001:db8::1", "IPv6 is not supported"),
        ("10.20.1.101:22", "users and ports have keys of their own"),
        ("root@10.20.1.101", "users and ports have keys of their own"),
    ],
)
def test_an_address_that_is_none_is_answered_with_why(address: str, says: str) -> None:
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers/hosts/rack1-a/address", address)))
    assert problem.problem == f"not a host: {says}"


def test_host_bits_of_a_network_are_answered_with_the_network() -> None:
    (problem,) = problems(changed(CONTAINER, (f"{ONE}/networking", {"podSubnet": "10.244.1.0/16"})))
    assert problem.problem == "not an IPv4 network: write 10.244.0.0/16"


@pytest.mark.parametrize(
    ("cluster", "host", "where", "allowed"),
    [
        ("c1", "a" * 61, ".c1.workers.hosts." + "a" * 61, "a name of at most 60 characters"),
        ("c" * 63, "a", f".{'c' * 63}.", "a shorter cluster name"),
    ],
)
def test_a_long_name_is_reported_where_it_is(
    cluster: str, host: str, where: str, allowed: str
) -> None:
    hosts = {host: {"address": "10.20.1.101", "hostKey": host_key(101)}}
    one = {"controlPlanes": {"hosts": {"b": {"address": "10.20.1.1", "hostKey": host_key(1)}}}}
    config = {"machines": {"driver": "existing"}, "clusters": {cluster: one}}
    (problem,) = problems(changed(config, (f"clusters/{cluster}/workers", {"hosts": hosts})))
    assert where in problem.path
    assert problem.allowed == allowed


def test_a_number_of_existing_machines_is_answered_with_hosts() -> None:
    (problem,) = problems(changed(EXISTING, (f"{ONE}/workers", {"count": 2})))
    assert problem.problem == "the driver existing creates no machines: they are hosts"
    assert problem.example.startswith("hosts: ")
