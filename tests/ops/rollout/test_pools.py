"""Pools in a rollout: their kubelet settings, labels and limits, and hosts that change place."""

from typing import Any

import pytest

from components.providers.rollout import RolloutProvider
from ops.current_run import CurrentRun
from ops.errors import OperatorError
from ops.rollout import node_rows
from ops.rollout.cluster_change import ClusterChange
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from ops.rollout.guards import reject_unsafe
from tests.ops.rollout.examples import KUBELET, found, inputs, plan, wanted
from tests.ops.rollout.fakes import FakeFleet, alike, run

PATCH = "p2"
RESTART = "kubelet restarted, pods keep running"


def pooled(pools: dict[str, list[int]], **kubelet: str) -> Any:
    """Return the inputs with workers in pools; `kubelet` are settings of a pool."""
    props = inputs()
    for pool, numbers in pools.items():
        for number in numbers:
            machine = props["machines"][f"a-worker-{number}"]
            machine["pool"] = pool
            machine["labels"] = {"kubeadm-fleet/pool": pool}
            if pool in kubelet:
                machine["kubelet"] = kubelet[pool]
                machine["files"]["parts"]["kubelet-patch"] = PATCH
    return props


POOLS = {"general": [0, 1], "gpu": [2]}


def test_kubelet_settings_of_a_pool_reach_its_machines_alone() -> None:
    before, after = pooled(POOLS), pooled(POOLS, gpu="{maxPods: 30, syncFrequency: 30s}")
    sentence = f"new kubelet settings (maxPods, syncFrequency): {RESTART}"
    assert plan(before, after, {}) == {"a-worker-2": sentence}
    fleet = FakeFleet(after, alike(before))
    assert run(fleet)
    assert [call for call in fleet.calls if call[1] == "a-worker-2"][:2] == [
        ("apply_files kubelet-patch", "a-worker-2"),
        ("apply_kubelet", "a-worker-2"),
    ]
    others = {"a-worker-0", "a-worker-1"}
    assert not [call for call, name in fleet.calls if name in others]


def test_kubelet_settings_of_a_pool_are_written_before_an_upgrade_applies_them() -> None:
    before, after = pooled(POOLS), pooled(POOLS, gpu="maxPods: 30")
    after["version"] = "v1.37.2"
    fleet = FakeFleet(after, alike(before))
    assert run(fleet)
    calls = [call for call, name in fleet.calls if name == "a-worker-2"]
    assert calls.index("apply_files kubelet-patch") < calls.index("upgrade_kubelet")
    assert not run(fleet)


def test_a_setting_of_the_cluster_passes_by_a_pool_with_its_own() -> None:
    before, after = (pooled(POOLS, gpu="maxPods: 30") for _ in range(2))
    after["kubelet_document"] = KUBELET.replace("110", "50")
    planned = plan(before, after, {})
    assert "a-worker-2" not in planned
    assert planned["a-worker-0"] == f"new kubelet settings (maxPods): {RESTART}"


def test_the_same_settings_written_in_another_place_restart_nothing() -> None:
    before, after = pooled(POOLS), pooled(POOLS, gpu="maxPods: 110")
    assert plan(before, after, {}) == {"a-worker-2": "its own kubelet settings changed: in place"}


def test_pool_settings_of_a_machine_are_merged_into_the_cluster_s() -> None:
    props = pooled(POOLS, gpu="{evictionHard: {nodefs.available: 2Gi}}")
    props["kubelet_document"] += "evictionHard: {memory.available: 100Mi}\n"
    machines = DesiredCluster.of(props).by_name
    assert "memory.available: 100Mi" in machines["a-worker-2"].kubelet_document
    assert "nodefs.available: 2Gi" in machines["a-worker-2"].kubelet_document
    assert machines["a-worker-0"].kubelet_document == props["kubelet_document"]
    assert (
        machines["a-worker-0"].kubelet == wanted(kubelet_document=props["kubelet_document"]).kubelet
    )


def test_a_host_moves_between_pools_in_place() -> None:
    before, after = pooled(POOLS), pooled({"general": [0], "gpu": [1, 2]})
    assert plan(before, after, {}) == {
        "a-worker-1": "label kubeadm-fleet/pool=gpu: in place",
    }
    reject_unsafe(ClusterChange.of(before, after), {}, "")
    machine = DesiredCluster.of(after).by_name["a-worker-1"]
    former = found(DesiredCluster.of(before).by_name["a-worker-1"])
    assert {each.kind for each in required_actions(former, machine)} == {node_rows.METADATA}


def test_limits_are_those_of_the_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[list[tuple[int, int]]] = []

    def bounded(groups: Any, limit: Any, work: Any) -> None:
        limits.append([(len(machines), limit(group)) for group, machines in groups.items()])
        for machines in groups.values():
            for machine in machines:
                work(machine)

    monkeypatch.setattr("ops.rollout.workers.run_bounded", bounded)
    before = pooled({"general": [0], "spare": [1], "gpu": [2]})
    after = pooled({"general": [0], "spare": [1], "gpu": [2]})
    after["kubelet_document"] = "maxPods: 50"
    after["policy"] = {**after["policy"], "max_unavailable": 2, "pool_limits": {"gpu": 1}}
    assert run(FakeFleet(after, alike(before)))
    assert limits[-1] == [(2, 2), (1, 1)]


KEYS = {name: f"ssh-ed25519 key of {name}" for name in inputs()["machines"]}


def existing(**others: str) -> Any:
    """Return the inputs with existing hosts; `others` are their names where they differ."""
    props = inputs()
    for name, machine in props["machines"].items():
        machine["host"] = f"{machine['address']}:22"
        machine["host_key"] = KEYS[name]
    for key in ("machines", "machine_ids", "logins"):
        props[key] = {
            others.get(name.replace("-", "_"), name): value for name, value in props[key].items()
        }
    return props


def diff(olds: Any, news: Any) -> Any:
    recorded = {**olds, "found": {}, "rolled": "", "drift": {}, "unavailable": {}}
    provider = RolloutProvider()
    return provider.diff("", recorded, provider.check(recorded, news).inputs).changes


def test_a_host_under_another_name_is_rejected_with_what_to_do() -> None:
    renamed = existing(a_worker_1="a-rack1-a")
    refusal = (
        r"cluster a: the host 10.0.0.101:22 is a-worker-1 and cannot become a-rack1-a: give it "
        r"its previous name, or remove a-worker-1 from the config, run `fleet up`, and then add a-"
        r"rack1-a"
    )
    with pytest.raises(OperatorError, match=refusal):
        diff(existing(), renamed)
    renamed["machines"]["a-rack1-a"]["host"] = "10.0.9.9:22"
    with pytest.raises(OperatorError, match=r"the host 10.0.9.9:22 is a-worker-1"):
        diff(existing(), renamed)


@pytest.mark.parametrize("by", ["10.0.0.101:22", KEYS["a-worker-1"]])
def test_a_host_that_moves_to_another_cluster_is_rejected(
    monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """By its address or its key; what the other cluster has is known from the run alone."""
    run = CurrentRun(hosts={"10.0.0.102:22": "a-worker-2", by: "b-worker-1"})
    monkeypatch.setattr("components.providers.rollout.this_run", lambda: run)
    without = existing()
    for key in ("machines", "machine_ids", "logins"):
        del without[key]["a-worker-1"]
    refusal = r"the host 10.0.0.101:22 is a-worker-1 and cannot become b-worker-1: give it its prev"
    with pytest.raises(OperatorError, match=refusal):
        diff(existing(), without)


def test_hosts_that_swap_names_are_rejected() -> None:
    swapped = existing(a_worker_1="a-worker-2", a_worker_2="a-worker-1")
    with pytest.raises(OperatorError, match=r"the host 10.0.0.102:22 is a-worker-2 and cannot"):
        diff(existing(), swapped)


def test_a_name_in_another_role_is_rejected() -> None:
    other = existing()
    other["machines"]["a-worker-1"]["role"] = "control-plane"
    with pytest.raises(OperatorError, match="a-worker-1 is a worker and cannot become a control-"):
        diff(existing(), other)


def test_another_host_under_a_name_is_a_replacement() -> None:
    other = existing()
    machine = other["machines"]["a-worker-1"]
    machine |= {"address": "10.0.0.9", "host": "10.0.0.9:22", "host_key": "ssh-ed25519 new"}
    other["machine_ids"]["a-worker-1"] = "new"
    assert diff(existing(), other) is True


def test_hosts_whose_keys_are_not_checked_are_told_apart_by_their_addresses() -> None:
    before, after = existing(), existing()
    for props in (before, after):
        for machine in props["machines"].values():
            machine["host_key"] = ""
    assert diff(before, after) is False
