"""Invalid endpoints: path and message of each problem."""

from typing import Any

import pytest

from model.load import load
from tests.model.examples import ABSENT, CONTAINER, EXISTING, changed, host_key
from tests.model.refusals import Case, check_refused

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
VIP = f"{ONE}/endpoint/vip"
AT = "clusters.cluster1.endpoint"

CONTAINERS: dict[str, Case] = {
    "text, as it was once": (
        [(f"{ONE}/endpoint", "api.example.com:6443")], AT, "not a mapping",
    ),
    "an unknown kind": (
        [(f"{ONE}/endpoint", {"dns": "a:1", "vip": "10.89.1.100:8443"})],
        f"{AT}.dns", "unknown key",
    ),
    "neither": ([(f"{ONE}/endpoint", {})], AT, "neither external nor vip"),
    "both": (
        [(f"{ONE}/endpoint", {"external": "a.example.com:6443", "vip": "10.89.1.100:8443"})],
        AT, "both external and vip",
    ),
    "a name": ([(VIP, "api.example.com:8443")], f"{AT}.vip", "not an address and port"),
    "no port": ([(VIP, "10.89.1.100")], f"{AT}.vip", "not an address and port"),
    "half an address": ([(VIP, "10.89.1:8443")], f"{AT}.vip", "not an address and port"),
    "an address too high": ([(VIP, "10.89.1.256:8443")], f"{AT}.vip", "256"),
    "the API server's port": ([(VIP, "10.89.1.100:6443")], f"{AT}.vip", "(API server) is in use"),
    "etcd's port": ([(VIP, "10.89.1.100:2380")], f"{AT}.vip", "(etcd peers) is in use"),
    "a node port": ([(VIP, "10.89.1.100:30443")], f"{AT}.vip", "type NodePort"),
    "a node port of a range of its own": (
        [(VIP, "10.89.1.100:8443"),
         (f"{ONE}/apiServer/extraArgs", {"service-node-port-range": "8000+1000"})],
        f"{AT}.vip", "port 8443 is inside 8000-9000 (Services of type NodePort)",
    ),
    "an address of a machine at a node port": (
        [(f"{ONE}/endpoint/external", "10.89.1.11:30443")],
        f"{AT}.external", "port 30443 is inside 30000-32767",
    ),
    "the API server's own port is a node port": (
        [(f"{ONE}/apiServer/extraArgs", {"service-node-port-range": "80-32767"})],
        "clusters.cluster1.apiServer.extraArgs.service-node-port-range",
        "port 6443 (API server) is inside",
    ),
    "node ports that are no range": (
        [(f"{ONE}/apiServer/extraArgs", {"service-node-port-range": "30000-3276"})],
        "clusters.cluster1.apiServer.extraArgs.service-node-port-range", "not a range of ports",
    ),
    "another network": (
        [(VIP, "10.89.3.100:8443")], f"{AT}.vip", "is not in the machines' subnet 10.89.1.0/24",
    ),
    "the gateway": ([(VIP, "10.89.1.1:8443")], f"{AT}.vip", "is the network's gateway"),
    "the network": ([(VIP, "10.89.1.0:8443")], f"{AT}.vip", "is the network's own address"),
    "the broadcast": ([(VIP, "10.89.1.255:8443")], f"{AT}.vip", "broadcast address"),
    "a control plane": (
        [(VIP, "10.89.1.11:8443")], f"{AT}.vip", "is the address of cluster1-control-plane-0",
    ),
    "a control plane to come": (
        [(VIP, "10.89.1.13:8443")], f"{AT}.vip", "is reserved for a future control plane",
    ),
    "a worker": ([(VIP, "10.89.1.101:8443")], f"{AT}.vip", "is the address of cluster1-worker-0"),
    "another cluster's endpoint": (
        [(VIP, "10.89.1.100:8443"), (f"{TWO}/endpoint/external", "10.89.1.100:8443")],
        "clusters.cluster2.endpoint.external", "same endpoint as cluster cluster1",
    ),
}  # fmt: skip
OTHER_HOSTS = {"cp-a": {"address": "10.20.2.11", "hostKey": host_key(2)}}
HOSTS: dict[str, Case] = {
    "none with three": (
        [(f"{ONE}/endpoint", ABSENT)], AT, "3 control planes need a shared endpoint",
    ),
    "a host's address": (
        [(f"{ONE}/endpoint", {"vip": "192.168.1.11:8443"})],
        f"{AT}.vip", "same node address as cluster1-cp-a",
    ),
    "another cluster's host": (
        [(f"{ONE}/endpoint", {"vip": "10.20.2.11:8443"}),
         (TWO, {"controlPlanes": {"hosts": OTHER_HOSTS}})],
        f"{AT}.vip", "the virtual address of cluster1 has the same node address as cluster2",
    ),
    "another cluster's virtual address": (
        [(f"{ONE}/endpoint", {"vip": "10.20.1.9:8443"}),
         (TWO, {"controlPlanes": {"hosts": OTHER_HOSTS}, "endpoint": {"vip": "10.20.1.9:8444"}})],
        "clusters.cluster2.endpoint.vip", "same node address as the virtual address of cluster1",
    ),
    "inside the pod network": (
        [(f"{ONE}/endpoint", {"vip": "10.244.0.9:8443"})],
        f"{AT}.vip", "is inside 10.244.0.0/16 (the pods of cluster1)",
    ),
    "inside the Services": (
        [(f"{ONE}/endpoint", {"vip": "10.96.0.9:8443"})],
        f"{AT}.vip", "is inside 10.96.0.0/12 (Services of cluster1)",
    ),
}  # fmt: skip
CASES = [
    *(pytest.param(CONTAINER, case, id=f"container: {name}") for name, case in CONTAINERS.items()),
    *(pytest.param(EXISTING, case, id=f"existing: {name}") for name, case in HOSTS.items()),
]


@pytest.mark.parametrize(("config", "case"), CASES)
def test_endpoint_is_rejected_with_exactly_this_problem(config: dict[str, Any], case: Case) -> None:
    check_refused(config, case)


def test_a_load_balancer_elsewhere_may_have_any_port() -> None:
    load(changed(CONTAINER, (f"{ONE}/endpoint/external", "api.example.com:30443")))
    ports = {"service-node-port-range": "20000-22767"}
    load(changed(CONTAINER, (VIP, "10.89.1.100:30443"), (f"{ONE}/apiServer/extraArgs", ports)))
