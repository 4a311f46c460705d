"""How long API servers serve on behind load balancers when they end."""

import yaml

from model.render import kubeadm, kubeadm_flags, load_balancer
from tests.model.examples import CONTAINER, cluster

FLAG = "shutdown-delay-duration"
VIP = ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"})


def flags(*changes: tuple[str, object]) -> dict[str, str]:
    document = yaml.safe_load(kubeadm.cluster_configuration(cluster(CONTAINER, *changes)))
    return {flag["name"]: flag["value"] for flag in document["apiServer"]["extraArgs"]}


def test_every_load_balancer_has_asked_an_ending_api_server_in_time() -> None:
    longest = load_balancer.INTERVAL + load_balancer.CONNECT + load_balancer.ANSWER
    assert flags(VIP)[FLAG] == f"{kubeadm_flags.NOTICE_SECONDS}s"
    assert longest <= kubeadm_flags.NOTICE_SECONDS * 1000


def test_nobody_waits_without_our_load_balancers() -> None:
    assert FLAG not in flags()
    external = ("clusters/cluster1/endpoint", {"external": "api.example.com:6443"})
    assert FLAG not in flags(external)


def test_the_operators_own_value_is_kept() -> None:
    own = ("clusters/cluster1/apiServer", {"extraArgs": {FLAG: "15s"}})
    external = ("clusters/cluster1/endpoint", {"external": "api.example.com:6443"})
    assert flags(external, own)[FLAG] == "15s"
    assert flags(VIP, own)[FLAG] == "15s"
