"""Dependencies between resources: as few as possible, and none across clusters."""

import pytest

from components import holds
from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.model.examples import changed

HOLD = {"until": "2999-01-01T00:00:00+00:00", "for": ["cluster2"]}


def test_control_planes_join_serially(prod: Graph) -> None:
    joins = [f"cluster1-cp-{name}-join" for name in "bca"]
    assert prod.awaits(joins[1], joins[0])
    assert prod.awaits(joins[2], joins[1])


def test_init_awaits_only_its_own_machine_and_every_control_plane_awaits_init(
    prod: Graph,
) -> None:
    founding = prod.one("cluster1-init")
    assert prod.awaits(founding.name, "cluster1-cp-a-prepare")
    others = ("cluster1-cp-b", "cluster1-cp-c", "cluster1-rack")
    assert not [name for name in prod.awaited(founding) if name.startswith(others)]
    for name in "abc":
        assert prod.awaits(f"cluster1-cp-{name}-join", founding.name)


def test_control_planes_are_prepared_in_parallel(prod: Graph) -> None:
    others = prod.awaited(prod.one("cluster1-cp-c-prepare"))
    assert not any("cp-a" in name or "cp-b" in name for name in others)


def test_a_control_plane_leaves_only_after_the_previous_one_has_joined(prod: Graph) -> None:
    assert prod.awaits("cluster1-cp-b-membership", "cluster1-init")
    assert prod.awaits("cluster1-cp-c-membership", "cluster1-cp-b-join")
    assert prod.awaits("cluster1-cp-a-membership", "cluster1-cp-c-join")


def test_worker_awaits_no_other_machine(graph: Graph) -> None:
    machines = [each.name for each in graph.kinds("machine:Machine")]
    workers = [name for name in machines if "-worker-" in name or "-rack" in name]
    assert workers
    for worker in workers:
        awaited = graph.awaited(graph.one(f"{worker}-join"))
        others = [name for name in machines if name != worker]
        assert not [each for each in awaited for other in others if each.startswith(other)]


def test_steps_of_a_machine_are_in_order(graph: Graph) -> None:
    for machine in graph.kinds("machine:Machine"):
        assert graph.awaits(f"{machine.name}-prepare", machine.name)
        assert graph.awaits(f"{machine.name}-membership", f"{machine.name}-prepare")
        assert graph.awaits(f"{machine.name}-join", f"{machine.name}-membership")


def test_hosts_are_prepared_once_their_ports_were_tried(prod: Graph) -> None:
    machines = [
        each.name for each in prod.kinds("ExistingHost") if each.name.startswith("cluster1-")
    ]
    assert len(machines) == len(prod.one("cluster1-ports").inputs["hosts"]) > 3
    for machine in machines:
        assert prod.awaits(f"{machine}-prepare", "cluster1-ports")
    # What waits for a host does so by the value of its ID: one that fails stops no other.
    assert not {*machines} & prod.awaited(prod.one("cluster1-ports"))
    assert set(prod.one("cluster1-ports").inputs["machine_ids"]) == set(machines)


def test_container_machines_reach_each_other_on_their_bridge(dev: Graph) -> None:
    assert not dev.kinds("PortCheck")


def test_objects_are_applied_after_init(prod: Graph) -> None:
    for objects in ("cluster1-pod-network", "cluster1-probe", "cluster1-dns"):
        assert prod.awaits(objects, "cluster1-init")
        assert not [name for name in prod.awaited(prod.one(objects)) if name.endswith("-join")]


def test_the_health_check_awaits_everything_of_its_cluster(graph: Graph) -> None:
    """Nothing of the program uses the administrator's certificate; nobody waits for metrics."""
    for observation in graph.kinds("ClusterHealthCheck"):
        cluster = observation.name.removesuffix("-health")
        own = {each.name for each in graph.customs if each.name.startswith(f"{cluster}-")}
        metrics = {f"{cluster}-metrics-server-{part}" for part in ("certificate", "objects")}
        left = own - graph.awaited(observation)
        assert left == {observation.name, f"{cluster}-admin"} | metrics


def test_metrics_server_comes_when_all_machines_have_its_image(graph: Graph) -> None:
    for rollout in graph.kinds("Rollout"):
        name = rollout.name.replace("rollout", "metrics-server")
        assert graph.awaits(f"{name}-certificate", rollout.name)
        assert graph.awaits(f"{name}-objects", f"{name}-certificate"), "what its pods mount"


def test_no_resource_awaits_one_of_another_cluster(graph: Graph) -> None:
    clusters = [each.name for each in graph.kinds("cluster:Cluster")]
    assert len(clusters) == 2
    for each in graph.customs:
        own = each.name.split("-")[0]
        foreign = [name for name in clusters if name != own]
        if own in clusters:
            awaited = graph.awaited(each)
            assert not [name for name in awaited if name.split("-")[0] in foreign], each.name


def test_rollout_awaits_every_join(graph: Graph) -> None:
    for rollout in graph.kinds("Rollout"):
        cluster = rollout.inputs["cluster"]
        joins = {each.name for each in graph.customs if each.name.endswith("-join")}
        own = {name for name in joins if name.startswith(f"{cluster}-")}
        assert own <= graph.awaited(rollout)
        assert graph.awaits(f"{cluster}-health", rollout.name)


def test_later_wave_is_changed_only_when_the_earlier_one_holds_it_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = changed(
        stack_config("dev"), ("upgrades", {"canaries": {"region": "osaka"}, "soak": 60})
    )
    before = run(config, given={"Wave": {"hold": HOLD}})
    monkeypatch.setattr(holds, "RUN_ID", "another")
    graph = run(config, before)
    assert [each.name for each in graph.kinds("Wave")] == ["wave-0"]
    assert graph.one("wave-0").inputs["clusters"] == ["cluster2"]
    assert graph.one("wave-0").inputs["soak_seconds"] == 60
    assert [each["cluster"] for each in graph.one("wave-0").inputs["identities"]] == ["cluster2"]
    for changing in ("rollout", "pod-network", "probe", "dns", "drain"):
        assert graph.one(f"cluster1-{changing}").inputs["held_by"] == [HOLD]
        assert graph.one(f"cluster2-{changing}").inputs["held_by"] == []
        assert graph.awaits("wave-0", f"cluster2-{changing}")
    assert graph.awaits("wave-0", "cluster2-health")
    # What waits does so by the value of the hold: the engine would skip it if a canary failed.
    assert not [each for each in graph.customs if "wave-0" in graph.awaited(each)]


def test_new_cluster_waits_for_no_wave() -> None:
    waves = ("upgrades", {"canaries": {"region": "osaka"}, "soak": 60})
    graph = run(changed(stack_config("dev"), waves), given={"Wave": {"hold": HOLD}})
    for changing in ("rollout", "pod-network", "probe", "dns", "drain"):
        assert graph.one(f"cluster1-{changing}").inputs["held_by"] == [{}]


def test_nothing_waits_without_waves(graph: Graph) -> None:
    assert graph.kinds("Wave") == []
