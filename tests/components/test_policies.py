"""What the config says of limits, drains and pools, as rollouts and memberships get it."""

import json

from components.announcement import groups_of
from model.load import load
from tests.components.conftest import SSH_KEY, stack_config
from tests.components.recorder import run
from tests.model.examples import changed

GENERAL = "clusters/cluster1/workers/pools/general"
CONFIG = changed(
    stack_config("prod"),
    ("upgrades", {"maxUnavailable": 2, "drainTimeout": 77, "force": True}),
    (f"{GENERAL}/upgrades", {"maxUnavailable": 3}),
    (f"{GENERAL}/kubelet", {"maxPods": 55}),
)


def test_they_reach_the_rollout_and_the_memberships() -> None:
    graph = run(CONFIG, secrets={"sshPrivateKey": SSH_KEY})
    assert graph.one("cluster1-rollout").inputs["policy"] == {
        "max_unavailable": 2,
        "pool_limits": {"general": 3},
        "drain_seconds": 77,
        "force": True,
    }
    for name, pool in {"cluster1-rack1-a": "general", "cluster1-cp-a": ""}.items():
        membership = graph.one(f"{name}-membership").inputs
        found = (membership["pool"], membership["drain_seconds"], membership["force"])
        assert found == (pool, 77, True)


def test_a_machine_has_its_pool_its_kubelet_s_settings_and_its_host() -> None:
    machines = run(CONFIG, secrets={"sshPrivateKey": SSH_KEY}).one("cluster1-rollout").inputs
    worker, first = (machines["machines"][f"cluster1-{name}"] for name in ("rack1-a", "cp-a"))
    assert (worker["pool"], json.loads(worker["kubelet"])) == ("general", {"maxPods": 55})
    assert {"pool", "kubelet"}.isdisjoint(first)
    assert worker["host"] == "10.20.1.101:22"
    assert worker["host_key"].startswith("ssh-ed25519 ")


def test_a_pool_with_a_limit_of_its_own_is_a_group_of_its_own() -> None:
    (first, *_) = load(CONFIG).clusters
    groups = {(group.role, group.pool): group for group in groups_of(first)}
    general = groups["worker", "general"]
    assert (general.limit, len(general.nodes)) == (3, 3)
    assert groups["worker", ""].nodes == []
    assert groups["worker", ""].limit == 2
    assert groups["control-plane", ""].limit == 1


def test_only_what_a_cluster_configures_is_applied_for_its_workloads() -> None:
    config = changed(
        stack_config("dev"),
        ("clusters/cluster1/security/images/registries", ["ghcr.io"]),
        ("clusters/cluster2/security/namespaces", {"team-a": {"quota": {"pods": 5}}}),
    )
    graph = run(config)
    of_workloads = {
        f"cluster{number}-{purpose}" for number in (1, 2) for purpose in ("images", "namespaces")
    }
    names = {resource.name for resource in graph}
    assert names & of_workloads == {"cluster1-images", "cluster2-namespaces"}
    assert "registries than ghcr.io" in graph.one("cluster1-images").inputs["documents"]
    assert "ResourceQuota" in graph.one("cluster2-namespaces").inputs["documents"]
