"""Networks that are in use elsewhere, too: what is warned about, and what is proposed."""

import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.load import MOST_WARNINGS, load, warnings
from tests.model.examples import CONTAINER, EXISTING, HOST_KEY, changed, host_key

PROJECT = Path(__file__).parents[2]
ONE, TWO = "clusters/cluster1", "clusters/cluster2"
FLEET = "kubeadm-fleet:fleet.clusters"
SHARED = {"shared": True}
PODS_APART = (f"{TWO}/networking/podSubnet", "10.245.0.0/16")
SERVICES_APART = (f"{TWO}/networking/serviceSubnet", "10.112.0.0/16")
APART = (PODS_APART, SERVICES_APART)


def warned(config: dict[str, Any], *changes: tuple[str, Any]) -> list[str]:
    """Return the first line of each warning about a config, without the root of its path."""
    texts = warnings(load(changed(config, *changes)))
    return [text.splitlines()[0].removeprefix(f"{FLEET}.") for text in texts]


def existing(name: str, *addresses: str, **settings: Any) -> tuple[str, dict[str, Any]]:
    """Return one more cluster of existing hosts, with networks of its own."""
    hosts = {
        f"cp-{number}": {"address": address, "hostKey": host_key(int(IPv4Address(address)))}
        for number, address in enumerate(addresses)
    }
    own = {
        "machines": {"driver": "existing", "ssh": {"user": "root"}},
        "networking": {"podSubnet": "10.246.0.0/16", "serviceSubnet": "10.120.0.0/16"},
        "controlPlanes": {"hosts": hosts},
    }
    return f"clusters/{name}", {**own, **settings}


def test_a_second_cluster_with_the_default_networks_is_warned_about() -> None:
    first, second = warnings(load(CONTAINER))
    assert first.splitlines() == [
        f"{FLEET}.cluster2.networking.podSubnet: overlaps 10.244.0.0/16 (the pods of cluster1): "
        "this is fixed once the cluster exists, and pods can never reach those",
        "    got:      10.244.0.0/16",
        "    expected: a network that is used nowhere else; or `networks: {shared: true}` (of the "
        "cluster or the fleet) to accept it",
        "    example:  podSubnet: 10.245.0.0/16",
    ]
    assert "cluster2.networking.serviceSubnet: overlaps 10.96.0.0/12 (Services of" in second
    assert second.endswith("example:  serviceSubnet: 10.112.0.0/16")


def test_clusters_with_networks_of_their_own_are_not_warned_about() -> None:
    assert warned(CONTAINER, *APART) == []
    assert warned(EXISTING) == []


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_tracked_stacks_show_networks_of_their_own(stack: str) -> None:
    document = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())
    fleet = load(document["config"]["kubeadm-fleet:fleet"])
    assert warnings(fleet) == []
    assert not any(cluster.networks_shared for cluster in fleet.clusters)
    assert str(fleet.clusters[0].pod_subnet) == "10.244.0.0/16"


@pytest.mark.parametrize(
    "changes",
    [
        [("networks", SHARED)],
        [(f"{ONE}/networks", SHARED)],
        [(f"{TWO}/networks", SHARED)],
        [("networks", SHARED), (f"{ONE}/networks", {"shared": False})],
    ],
    ids=["the fleet's", "the first cluster's", "the second's", "all but the first's"],
)
def test_consent_of_one_side_is_enough(changes: list[tuple[str, Any]]) -> None:
    assert warned(CONTAINER, *changes) == []


def test_a_cluster_takes_back_the_consent_of_the_fleet() -> None:
    takes_back = [(f"{cluster}/networks", {"shared": False}) for cluster in (ONE, TWO)]
    assert len(warned(CONTAINER, ("networks", SHARED), *takes_back)) == 2


def test_consent_of_one_cluster_is_not_that_of_two_others() -> None:
    third = ("clusters/cluster3", {"machines": {"subnet": "10.89.3.0/24"}})
    (pods, services) = warned(CONTAINER, (f"{TWO}/networks", SHARED), third)
    assert pods.startswith("cluster3.networking.podSubnet: overlaps 10.244.0.0/16 (the pods of")
    assert services.startswith("cluster3.networking.serviceSubnet: overlaps 10.96.0.0/12 (Serv")


OVERLAPS: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "pods in Services": (
        [(f"{TWO}/networking", {"podSubnet": "10.97.0.0/16", "serviceSubnet": "10.112.0.0/16"})],
        "cluster2.networking.podSubnet: overlaps 10.96.0.0/12 (Services of cluster1)",
    ),
    "Services in pods": (
        [PODS_APART, (f"{TWO}/networking/serviceSubnet", "10.244.128.0/20")],
        "cluster2.networking.serviceSubnet: overlaps 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a part of the other's pods": (
        [(f"{TWO}/networking", {"podSubnet": "10.244.64.0/20", "serviceSubnet": "10.112.0.0/16"})],
        "cluster2.networking.podSubnet: overlaps 10.244.0.0/16 (the pods of cluster1)",
    ),
    "more than the other's pods": (
        [(f"{TWO}/networking", {"podSubnet": "10.244.0.0/15", "serviceSubnet": "10.112.0.0/16"})],
        "cluster2.networking.podSubnet: overlaps 10.244.0.0/16 (the pods of cluster1)",
    ),
    "a machine of another cluster": (
        [*APART, existing("tokyo", "10.245.7.9")],
        "cluster2.networking.podSubnet: contains 10.245.7.9 (tokyo-cp-0)",
    ),
    "the bastion of another cluster": (
        [*APART, existing("tokyo", "192.168.7.9", machines={
            "driver": "existing",
            "ssh": {"user": "root", "bastion": {
                "host": "10.112.0.7", "user": "jump", "hostKey": HOST_KEY,
            }},
        })],
        "cluster2.networking.serviceSubnet: contains 10.112.0.7 (the bastion of tokyo)",
    ),
    "the endpoint of another cluster": (
        [*APART, existing("tokyo", "192.168.7.9", endpoint={"external": "10.99.99.99:8443"})],
        "cluster1.networking.serviceSubnet: contains 10.99.99.99 (the endpoint of tokyo)",
    ),
    "the virtual address of another cluster": (
        [*APART, existing("tokyo", "192.168.7.9", endpoint={"vip": "10.99.99.99:8443"})],
        "cluster1.networking.serviceSubnet: contains 10.99.99.99 (the endpoint of tokyo)",
    ),
    "public addresses": (
        [SERVICES_APART, (f"{TWO}/networking/podSubnet", "100.244.0.0/16")],
        "cluster2.networking.podSubnet: has public addresses",
    ),
    "addresses that only look private": (
        [PODS_APART, (f"{TWO}/networking/serviceSubnet", "172.168.0.0/22")],
        "cluster2.networking.serviceSubnet: has public addresses",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OVERLAPS.values(), ids=list(OVERLAPS))
def test_overlap_is_warned_about_once(case: tuple[list[tuple[str, Any]], str]) -> None:
    changes, says = case
    (warning,) = warned(CONTAINER, *changes)
    assert warning.startswith(f"{says}: this is fixed once the cluster exists")
    cluster = says.partition(".")[0]
    assert warned(CONTAINER, *changes, (f"clusters/{cluster}/networks", SHARED)) == []


def test_addresses_of_carriers_and_of_documentation_are_not_public() -> None:
    inner = {"podSubnet": "100.64.0.0/16", "serviceSubnet": "198.18.0.0/16"}
    assert warned(CONTAINER, (f"{TWO}/networking", inner)) == []


def test_networks_that_are_proposed_overlap_nothing() -> None:
    config = changed(CONTAINER, existing("tokyo", "10.245.7.9"))
    config["clusters"] |= {
        f"more{number}": {"machines": {"subnet": f"10.90.{number}.0/24"}} for number in range(2)
    }
    for text in warnings(load(config)):
        path, example = text.splitlines()[0].partition(": ")[0], text.rpartition("  ")[2]
        key, _, value = example.partition(": ")
        cluster = path.split(".")[-3]
        config["clusters"][cluster].setdefault("networking", {})[key] = value
    assert warned(config) == []
    assert config["clusters"]["cluster2"]["networking"]["podSubnet"] == "10.247.0.0/16"


def test_a_proposed_pod_subnet_has_room_for_the_nodes() -> None:
    large = [
        (f"{ONE}/networking/podSubnet", "10.0.0.0/13"),
        (f"{TWO}/networking/podSubnet", "10.0.0.0/12"),
        (f"{TWO}/machines/subnet", "10.128.0.0/20"),
        (f"{TWO}/workers/count", 1500),
        SERVICES_APART,
    ]
    (text,) = warnings(load(changed(CONTAINER, *large)))
    assert text.endswith("podSubnet: 10.16.0.0/13")


def test_a_large_fleet_is_warned_about_briefly_and_at_once() -> None:
    clusters = {
        f"cluster{number}": {"machines": {"subnet": f"172.20.{number}.0/24"}}
        for number in range(250)
    }
    fleet = load({"clusters": clusters})
    start = time.process_time()
    texts = warnings(fleet)
    assert time.process_time() - start < 0.3
    assert len(texts) == MOST_WARNINGS + 1
    assert texts[-1].startswith(f"{2 * 249 - MOST_WARNINGS} more warnings of this kind")


@pytest.mark.parametrize(
    ("pods", "mask_size", "workers", "pace", "says"),
    [
        ("10.244.0.0/22", 24, 2, 1, None),
        ("10.244.0.0/22", 24, 3, 1, "4 of 4 shares (a /24 each) are used"),
        ("10.244.0.0/22", 25, 3, 1, None),
        ("10.244.0.0/21", 24, 5, 3, "6 of 8 shares (a /24 each) are used"),
        ("10.244.0.0/21", 24, 5, 2, None),
        ("10.244.0.0/24", 24, 0, 1, "1 of 1 shares (a /24 each) are used"),
    ],
)
def test_a_pod_subnet_has_room_for_a_replacement(
    pods: str, mask_size: int, workers: int, pace: int, says: str | None
) -> None:
    inner = {"podSubnet": pods, "nodeCidrMaskSize": mask_size}
    lines = warned(
        CONTAINER,
        (f"{ONE}/networking", inner),
        (f"{ONE}/workers/count", workers),
        (f"{ONE}/upgrades", {"maxUnavailable": pace}),
        *APART,
    )
    assert [line.startswith("cluster1.networking.podSubnet") for line in lines] == [True] * len(
        lines
    )
    assert (says in lines[0]) if says else lines == []
