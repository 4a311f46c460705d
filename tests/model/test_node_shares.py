"""Pod subnets and Nodes' shares of them that cannot work."""

from typing import Any

import pytest

from model.config.errors import ConfigError
from model.config.networking import MASK_SIZES
from model.load import load
from tests.model.examples import CONTAINER, changed, cluster
from tests.model.refusals import Case, check_refused, problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
AT = "clusters.cluster1"
POD_SUBNET, MASK_SIZE = f"{ONE}/networking/podSubnet", f"{ONE}/networking/nodeCidrMaskSize"

SHARES: dict[str, Case] = {
    "pods with less than a Node's share": (
        [(POD_SUBNET, "10.244.0.0/25")], f"{AT}.networking.podSubnet", "must provide a /24",
    ),
    "a share of more than all pods": (
        [(POD_SUBNET, "10.244.0.0/24"), (MASK_SIZE, 23)],
        f"{AT}.networking.podSubnet", "must provide a /23 per Node",
    ),
    "more shares than kubeadm accepts": (
        [(POD_SUBNET, "172.0.0.0/8"), (MASK_SIZE, 25)],
        f"{AT}.networking.podSubnet", "larger than 65536 shares of a /25",
    ),
    "fewer shares than machines": (
        [(POD_SUBNET, "10.244.0.0/22"), (MASK_SIZE, 23), (f"{ONE}/workers/count", 2)],
        f"{AT}.networking.podSubnet", "3 Nodes need a /23 each",
    ),
    "a share that is nearly nothing": (
        [(MASK_SIZE, 29)], f"{AT}.networking.nodeCidrMaskSize", "out of range 16 to 28",
    ),
    "a share that is all": (
        [(MASK_SIZE, 15)], f"{AT}.networking.nodeCidrMaskSize", "out of range 16 to 28",
    ),
    "a share as text": (
        [(MASK_SIZE, "25")], f"{AT}.networking.nodeCidrMaskSize", "not a prefix length",
    ),
    "a share as a flag": (
        [(f"{ONE}/controllerManager", {"extraArgs": {"node-cidr-mask-size": "25"}})],
        f"{AT}.controllerManager.extraArgs.node-cidr-mask-size",
        "set networking.nodeCidrMaskSize instead",
    ),
    "a share as a flag of IPv4": (
        [("controllerManager", {"extraArgs": {"node-cidr-mask-size-ipv4": "25"}})],
        "controllerManager.extraArgs.node-cidr-mask-size-ipv4",
        "set networking.nodeCidrMaskSize instead",
    ),
    "more pods than a share has addresses": (
        [(f"{ONE}/kubelet", {"maxPods": 500})],
        f"{AT}.kubelet.maxPods", "a /24, has addresses for 253 pods",
    ),
    "one pod more than a share has addresses": (
        [(f"{ONE}/kubelet", {"maxPods": 254})], f"{AT}.kubelet.maxPods", "for 253 pods",
    ),
    "more pods in every cluster but one": (
        [("kubelet", {"maxPods": 300}), (f"{TWO}/networking/nodeCidrMaskSize", 23)],
        "kubelet.maxPods", "for 253 pods",
    ),
    "more pods than a small share has addresses": (
        [(f"{ONE}/kubelet", {"maxPods": 62}), (MASK_SIZE, 26)],
        f"{AT}.kubelet.maxPods", "a /26, has addresses for 61 pods",
    ),
    "more pods by default than a small share has addresses": (
        [(MASK_SIZE, 26)],
        f"{AT}.networking.nodeCidrMaskSize", "for 61 pods, and the kubelet's default is 110",
    ),
    "more pods than any share has addresses": (
        [(f"{ONE}/kubelet", {"maxPods": 100_000})], f"{AT}.kubelet.maxPods", "for 253 pods",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SHARES.values(), ids=list(SHARES))
def test_share_is_refused_with_this_problem_alone(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize(
    ("pods", "mask_size"), [(253, 24), (110, 25), (509, 23), (61, 26), (13, 28), (65533, 16)]
)
def test_as_many_pods_as_a_share_has_addresses_are_accepted(pods: int, mask_size: int) -> None:
    subnet = "10.0.0.0/12" if mask_size == 16 else "10.244.0.0/16"
    networking = {
        "podSubnet": subnet,
        "nodeCidrMaskSize": mask_size,
        "serviceSubnet": "10.112.0.0/16",
    }
    described = cluster(
        CONTAINER, (f"{ONE}/networking", networking), (f"{ONE}/kubelet", {"maxPods": pods})
    )
    assert described.node_cidr_mask_size == mask_size


@pytest.mark.parametrize("mask_size", MASK_SIZES)
@pytest.mark.parametrize("pods", [{}, {"maxPods": 1000}])
def test_example_of_a_refused_share_is_accepted(mask_size: int, pods: dict[str, int]) -> None:
    changes: list[tuple[str, Any]] = [
        (POD_SUBNET, "10.0.0.0/12"),
        (f"{ONE}/networking/serviceSubnet", "10.112.0.0/16"),
        (MASK_SIZE, mask_size),
        (f"{ONE}/kubelet", pods),
    ]
    if mask_size <= (25 if not pods else 22):
        load(changed(CONTAINER, *changes))
        return
    (problem,) = problems(changed(CONTAINER, *changes))
    key, _, value = problem.example.partition(": ")
    path = MASK_SIZE if key == "nodeCidrMaskSize" else f"{ONE}/kubelet/{key}"
    load(changed(CONTAINER, *changes, (path, int(value))))


@pytest.mark.parametrize("mask_size", [16, 20, 23, 24, 25])
@pytest.mark.parametrize("workers", [0, 1, 3, 30, 1500, 5000])
@pytest.mark.parametrize("subnet", ["0.0.0.0/4", "10.240.0.0/14", "10.244.0.0/24", "10.244.0.0/30"])
def test_example_of_a_refused_pod_subnet_is_accepted(
    mask_size: int, workers: int, subnet: str
) -> None:
    networking = {"podSubnet": subnet, "nodeCidrMaskSize": mask_size}
    config = changed(
        CONTAINER,
        (f"{ONE}/networking", {**networking, "serviceSubnet": "172.24.0.0/16"}),
        (f"{ONE}/workers/count", workers),
        *(
            (f"{path}/machines/subnet", f"192.168.{third}.0/19")
            for path, third in ((ONE, 32), (TWO, 64))
        ),
    )
    for _ in range(3):
        try:
            load(config)
        except ConfigError as error:
            (problem,) = error.problems
            key, _, value = problem.example.partition(": ")
            wanted: object = int(value) if key == "nodeCidrMaskSize" else value
            config["clusters"]["cluster1"]["networking"][key] = wanted
    load(config)


def test_a_wrong_share_is_not_blamed_on_the_number_of_pods() -> None:
    config = changed(CONTAINER, (MASK_SIZE, 31), (f"{ONE}/kubelet", {"maxPods": 400}))
    (problem,) = problems(config)
    assert problem.path.endswith("nodeCidrMaskSize")
