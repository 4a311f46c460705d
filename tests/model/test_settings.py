"""Settings of components, Nodes and upgrades: the resulting values."""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from model.certificate_lifetimes import Lifetimes
from model.fleet import Component, Upgrade
from model.load import load
from model.machine import CONTROL_PLANE_TAINT, Taint
from model.render import kubeadm
from tests.model.examples import CONTAINER, SETTINGS, changed, cluster

CLUSTER = "clusters/cluster1"


def test_defaults_apply_without_settings() -> None:
    described = cluster(CONTAINER)
    assert described.upgrade == Upgrade(1, {}, 120, force=False, wave=0, soak_seconds=0)
    assert described.lifetimes == Lifetimes(
        leaves=timedelta(days=365),
        kubelet_serving=timedelta(days=3 * 365),
        authorities=timedelta(days=3650),
        admin=timedelta(hours=24),
        warn_before=timedelta(days=365),
    )
    assert described.data_loss == ""
    assert described.kubelet == {}
    assert described.api_server == Component({}, ())
    assert described.etcd == described.scheduler == described.controller_manager == Component({})
    assert described.control_planes[0].taints == (CONTROL_PLANE_TAINT,)
    assert described.workers[0].taints == ()
    assert described.control_planes[0].labels == {}
    assert described.workers[0].labels == {"kubeadm-fleet/pool": "worker"}


def test_nodes_have_their_role_s_labels_and_taints() -> None:
    described = cluster(SETTINGS)
    assert described.control_planes[0].labels == {"disk": "fast"}
    assert described.control_planes[0].taints == ()
    assert described.workers[8].labels == {
        "kubeadm-fleet/pool": "worker", "node-role.kubernetes.io/database": "", "disk": "slow",
    }  # fmt: skip
    assert described.workers[8].taints == (
        Taint("dedicated", "database", "NoSchedule"),
        Taint("example.com/slow", "", "PreferNoSchedule"),
    )


@pytest.mark.parametrize("text", ["a:NoExecute", "a=b:NoSchedule", "x.y/a=b-c:PreferNoSchedule"])
def test_a_taint_keeps_its_text(text: str) -> None:
    (taint,) = cluster(CONTAINER, (f"{CLUSTER}/workers/taints", [text])).workers[0].taints
    assert str(taint) == text


def test_cluster_settings_are_merged_over_fleet_settings() -> None:
    first, second = load(SETTINGS).clusters
    assert first.kubelet["maxPods"] == 50
    assert first.kubelet["evictionHard"] == {
        "nodefs.available": "2Gi", "memory.available": "200Mi",
    }  # fmt: skip
    assert second.kubelet == {"maxPods": 200, "evictionHard": {"nodefs.available": "2Gi"}}
    assert set(first.api_server.extra_args) == {
        "event-ttl", "profiling", "enable-admission-plugins",
    }  # fmt: skip
    assert first.api_server.cert_sans == ("api.tokyo.example.com", "192.168.1.10", "10.89.1.11")
    assert second.api_server == Component({"event-ttl": "24h"}, ("*.example.com",))
    assert first.upgrade == Upgrade(
        2, {}, 300, force=True, wave=1, soak_seconds=600, security_updates="20261203T080000Z"
    )
    assert second.upgrade == Upgrade(
        1, {}, 90, force=False, wave=0, soak_seconds=600, security_updates="20261126T214000Z"
    )
    assert (first.data_loss, second.data_loss) == ("OPS-123", "")


def test_lifetimes_of_a_cluster_are_merged_over_those_of_the_fleet() -> None:
    first, second = (described.lifetimes for described in load(SETTINGS).clusters)
    assert (first.leaves, second.leaves) == (timedelta(minutes=20), timedelta(days=90))
    assert (first.kubelet_serving, second.kubelet_serving) == (
        timedelta(hours=2),
        timedelta(days=3 * 365),
    )
    assert (first.admin, first.warn_before) == (timedelta(hours=8), timedelta(days=30))


@pytest.mark.parametrize(
    ("lifetime", "rendered"),
    [("365d", "8760h0m0s"), ("20m", "20m0s"), (5461, "1h31m1s")],
)
def test_components_and_kubelets_get_certificates_with_the_lifetime_of_leaves(
    lifetime: Any, rendered: str
) -> None:
    described = cluster(CONTAINER, ("certificates", {"leaves": lifetime}))
    document = yaml.safe_load(kubeadm.cluster_configuration(described))
    assert document["certificateValidityPeriod"] == rendered
    flags = document["controllerManager"]["extraArgs"]
    assert {"name": "cluster-signing-duration", "value": rendered} in flags


@pytest.mark.parametrize(
    ("given", "workers", "at_a_time"),
    [(1, 5, 1), (3, 5, 3), ("100%", 5, 5), ("50%", 5, 2), ("10%", 5, 1), ("10%", 0, 1), (7, 5, 7)],
)
def test_number_of_workers_changed_at_a_time(given: Any, workers: int, at_a_time: int) -> None:
    changes = [(f"{CLUSTER}/workers/count", workers), ("upgrades", {"maxUnavailable": given})]
    assert cluster(CONTAINER, *changes).upgrade.max_unavailable == at_a_time


@pytest.mark.parametrize(("given", "seconds"), [(1, 1), (90, 90), ("90s", 90), ("2h", 7200)])
def test_durations_are_seconds_or_have_a_unit(given: Any, seconds: int) -> None:
    changes = [("upgrades", {"drainTimeout": given, "soak": given})]
    upgrade = cluster(CONTAINER, *changes).upgrade
    assert (upgrade.drain_seconds, upgrade.soak_seconds) == (seconds, seconds)


@pytest.mark.parametrize(
    ("canaries", "waves"),
    [
        ([], [["cluster1", "cluster2"]]),
        ({"region": "osaka"}, [["cluster2"], ["cluster1"]]),
        ([{"region": "osaka"}, {"environment": "dev"}], [["cluster2"], ["cluster1"]]),
        ({"environment": "dev"}, [["cluster1", "cluster2"]]),
        ({"environment": "dev", "region": "tokyo"}, [["cluster1"], ["cluster2"]]),
        ("region in (osaka, nagoya)", [["cluster2"], ["cluster1"]]),
        ("region!=osaka", [["cluster1"], ["cluster2"]]),
        ("!legacy,environment", [["cluster1", "cluster2"]]),
        ([{"region": "osaka"}, "environment=dev"], [["cluster2"], ["cluster1"]]),
    ],
)
def test_canaries_go_first_and_all_others_last(canaries: Any, waves: list[list[str]]) -> None:
    fleet = load(changed(CONTAINER, ("upgrades", {"canaries": canaries})))
    assert [[each.name for each in wave] for wave in fleet.waves] == waves
    assert all(each.upgrade.wave == number for number, wave in enumerate(fleet.waves)
               for each in wave)  # fmt: skip


def test_shared_documents_name_no_machine() -> None:
    described = cluster(
        SETTINGS,
        (f"{CLUSTER}/controlPlanes/count", 3),
        (f"{CLUSTER}/endpoint/external", "api.example.com:6443"),
    )
    shared = kubeadm.cluster_configuration(described) + kubeadm.kubelet_configuration(described)
    assert not any(machine.name in shared for machine in described.machines)
    text = kubeadm.cluster_documents(described)
    documents = {each["kind"]: each for each in yaml.safe_load_all(text)}
    assert documents["ClusterConfiguration"] == yaml.safe_load(
        kubeadm.cluster_configuration(described)
    )
    assert documents["KubeletConfiguration"] == yaml.safe_load(
        kubeadm.kubelet_configuration(described)
    )


def test_the_order_of_arguments_does_not_change_the_document() -> None:
    both = [{"v": "4", "profiling": "false"}, {"profiling": "false", "v": "4"}]
    one, other = (
        kubeadm.cluster_configuration(cluster(CONTAINER, ("scheduler", {"extraArgs": each})))
        for each in both
    )
    assert one == other
