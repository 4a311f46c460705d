"""Valid configs and the resulting fleets."""

import time
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from model.fleet import Fleet, Vip
from model.load import load
from model.machine import Bastion, ContainerSettings, ExistingSettings
from tests.model.examples import (
    ABSENT,
    CONTAINER,
    EXISTING,
    HOST_KEY,
    changed,
    cluster,
    host_key,
    mirror_sums,
)

CLUSTER = "clusters/cluster1"


def test_container_machines_have_names_addresses_and_sizes() -> None:
    described = cluster(CONTAINER, (f"{CLUSTER}/workers/count", 2))
    assert [(machine.name, machine.role, machine.pool) for machine in described.machines] == [
        ("cluster1-control-plane-0", "control-plane", ""),
        ("cluster1-worker-0", "worker", "worker"),
        ("cluster1-worker-1", "worker", "worker"),
    ]
    assert [machine.address for machine in described.machines] == [
        "10.89.1.11", "10.89.1.101", "10.89.1.102",
    ]  # fmt: skip
    assert described.workers[0].settings == ContainerSettings(
        "10.89.1.101/24", "10.89.1.1", 2, 2 * 2**30
    )
    assert described.container_subnet == IPv4Network("10.89.1.0/24")
    assert described.container_gateway == IPv4Address("10.89.1.1")


def test_a_cluster_with_only_a_subnet_has_the_defaults() -> None:
    described = load({"clusters": {"a": {"machines": {"subnet": "10.89.1.0/24"}}}}).clusters[0]
    assert described.kubernetes_version == "v1.36.3"
    assert (described.driver, described.network) == ("container", "flannel")
    assert described.pod_subnet == IPv4Network("10.244.0.0/16")
    assert described.service_subnet == IPv4Network("10.96.0.0/12")
    assert described.dns_domain == "cluster.local"
    assert described.server == "https://10.89.1.11:6443"
    assert not described.protect
    assert (described.artifacts.source, described.artifacts.mirror) == ("bundle", None)
    assert len(described.control_planes) == 1
    assert described.workers == ()
    assert described.machines[0].settings == ContainerSettings(
        "10.89.1.11/24", "10.89.1.1", 2, 2 * 2**30
    )


def test_existing_hosts_may_have_different_ssh_and_node_addresses() -> None:
    first, second, third, worker = cluster(EXISTING).machines
    bastion = Bastion("bastion.example.com", 22, "jump", HOST_KEY)
    assert first.address == "192.168.1.11"
    assert first.settings == ExistingSettings(
        host="10.20.1.11",
        port=22,
        user="ubuntu",
        sudo=True,
        sudo_password_name=None,
        private_key_name="sshPrivateKey",
        agent=False,
        host_key=HOST_KEY,
        bastion=bastion,
    )
    assert isinstance(second.settings, ExistingSettings)
    assert (second.settings.host, second.settings.port) == ("node12.example.com", 2222)
    assert isinstance(third.settings, ExistingSettings)
    assert third.settings.host_key is None
    assert third.address == "10.20.1.13"
    assert worker.name == "cluster1-rack1-a"
    assert cluster(EXISTING).container_subnet is None


def test_the_endpoint_defaults_to_the_control_plane() -> None:
    assert cluster(CONTAINER).endpoint == "10.89.1.11:6443"
    given = cluster(CONTAINER, (f"{CLUSTER}/endpoint/external", "api.example.com:8443"))
    assert (given.endpoint_host, given.endpoint_port) == ("api.example.com", 8443)
    assert given.vip is None


@pytest.mark.parametrize(("address", "router_id"), [("10.89.1.100", 100), ("10.89.2.0", 255)])
def test_a_virtual_address_is_the_endpoint(address: str, router_id: int) -> None:
    changes = [
        (f"{CLUSTER}/machines/subnet", "10.89.0.0/22"),
        ("clusters/cluster2/machines/subnet", "10.89.8.0/24"),
        (f"{CLUSTER}/controlPlanes/count", 3),
        (f"{CLUSTER}/endpoint", {"vip": f"{address}:8443"}),
    ]
    described = cluster(CONTAINER, *changes)
    assert described.server == f"https://{address}:8443"
    assert described.vip == Vip(IPv4Address(address), 8443, router_id)


@pytest.mark.parametrize(
    ("changes", "cpus", "gib"),
    [
        ([], 2, 2),
        ([(f"{CLUSTER}/machines/cpus", 3), (f"{CLUSTER}/machines/memory", "3Gi")], 3, 3),
        ([(f"{CLUSTER}/workers", {"count": 1, "cpus": 0.5, "memory": "4096Mi"})], 0.5, 4),
        (
            [
                (f"{CLUSTER}/machines/cpus", 3),
                (f"{CLUSTER}/workers", {"count": 1, "memory": "5Gi"}),
            ],
            3,
            5,
        ),
    ],
    ids=["the fleet's", "the cluster's", "the role's", "each key by itself"],
)
def test_the_most_specific_size_applies(
    changes: list[tuple[str, Any]], cpus: float, gib: int
) -> None:
    settings = cluster(CONTAINER, *changes).workers[0].settings
    assert isinstance(settings, ContainerSettings)
    assert (settings.cpus, settings.memory_bytes) == (cpus, gib * 2**30)


def test_a_cluster_overrides_single_keys_of_the_fleet_s_ssh() -> None:
    changes = (f"{CLUSTER}/machines/ssh", {"user": "admin", "port": 2200})
    settings = cluster(EXISTING, changes).machines[0].settings
    assert isinstance(settings, ExistingSettings)
    assert (settings.user, settings.port, settings.sudo) == ("admin", 2200, True)
    assert settings.bastion is not None


def test_a_fleet_may_mix_drivers() -> None:
    config = changed(
        CONTAINER,
        ("clusters/cluster2", EXISTING["clusters"]["cluster1"] | {"machines": {
            "driver": "existing", "ssh": {"user": "root"},
        }}),
    )  # fmt: skip
    containers, existing = load(config).clusters
    assert (containers.driver, existing.driver) == ("container", "existing")


@pytest.mark.parametrize("version", ["1.37.2", "v1.37.2"])
def test_a_cluster_version_overrides_the_fleet_version(version: str) -> None:
    assert cluster(CONTAINER, ("kubernetesVersion", version)).kubernetes_version == "v1.37.2"
    described = cluster(CONTAINER, (f"{CLUSTER}/kubernetesVersion", version))
    assert described.kubernetes_version == "v1.37.2"


@pytest.mark.parametrize(
    ("fleet", "own", "protected"),
    [(ABSENT, ABSENT, False), (True, ABSENT, True), (True, False, False), (False, True, True)],
)
def test_a_cluster_protect_overrides_the_fleet_protect(
    fleet: object, own: object, protected: bool
) -> None:
    given = [("protect", fleet), (f"{CLUSTER}/protect", own)]
    changes = [(path, value) for path, value in given if value is not ABSENT]
    assert cluster(CONTAINER, *changes).protect is protected


def test_private_keys_are_required_by_name_unless_an_agent_has_them() -> None:
    assert load(EXISTING).private_key_names == ("sshPrivateKey",)
    assert load(changed(EXISTING, ("machines/ssh/privateKey", "other"))).private_key_names == (
        "other",
    )
    assert load(changed(EXISTING, ("machines/ssh/agent", True))).private_key_names == ()
    assert load(CONTAINER).private_key_names == ()


def test_a_trailing_slash_of_a_mirror_is_removed() -> None:
    mirror = "https://mirror.example.com/k8s/"
    artifacts = {"source": "upstream", "mirror": mirror, "sums": mirror_sums(mirror)}
    described = cluster(CONTAINER, ("artifacts", artifacts))
    assert described.artifacts.mirror == "https://mirror.example.com/k8s"


def test_the_raw_config_is_not_changed() -> None:
    config = changed(CONTAINER)
    load(config)
    assert config == CONTAINER


def hosts(count: int) -> dict[str, Any]:
    each = {
        f"host-{index}": {
            "address": f"10.{128 + index // 250 % 4}.{index // 250 // 4}.{index % 250 + 1}",
            "hostKey": host_key(index),
        }
        for index in range(count)
    }
    first = {"host-0": each.pop("host-0")}
    pools = {"controlPlanes": {"hosts": first}, "workers": {"hosts": each}}
    networking = {"podSubnet": "10.0.0.0/12", "serviceSubnet": "10.96.0.0/12"}
    machines = {"driver": "existing"}
    return {"clusters": {"a": {**pools, "networking": networking, "machines": machines}}}


def small_clusters(count: int) -> dict[str, Any]:
    return {
        "clusters": {
            f"cluster{index}": {
                "machines": {"subnet": f"10.{128 + index // 256}.{index % 256}.0/24"},
                "workers": {"count": 1},
            }
            for index in range(count)
        }
    }


def seconds_to_load(config: dict[str, Any], machines: int) -> float:
    """The processor's time, the least of three times."""
    took = []
    for _ in range(3):
        start = time.process_time()
        fleet: Fleet = load(config)
        took.append(time.process_time() - start)
        assert sum(len(each.machines) for each in fleet.clusters) == machines
    return min(took)


@pytest.mark.parametrize(
    ("small", "large"),
    [(hosts(100), hosts(1000)), (small_clusters(50), small_clusters(500))],
    ids=["one cluster", "500 clusters"],
)
def test_ten_times_the_machines_take_ten_times_as_long_to_read(
    small: dict[str, Any], large: dict[str, Any]
) -> None:
    """What compares each with each other would take a hundred times as long."""
    assert seconds_to_load(large, 1000) < 25 * seconds_to_load(small, 100)
