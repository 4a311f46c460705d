"""The outputs of the stack."""

import base64

import yaml

from ops.hosts.inventory import Inventory
from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.model.examples import changed


def test_kubeconfig_has_a_context_for_each_cluster_and_the_first_is_current(graph: Graph) -> None:
    document = yaml.safe_load(graph.outputs["kubeconfig"])
    names = [context["name"] for context in document["contexts"]]
    assert names == ["cluster1-admin", "cluster2-admin"]
    assert document["current-context"] == "cluster1-admin"


def test_each_context_trusts_its_own_cluster_only(graph: Graph) -> None:
    document = yaml.safe_load(graph.outputs["kubeconfig"])
    for entry in document["clusters"]:
        authority = graph.one(f"{entry['name']}-ca")
        trusted = base64.b64decode(entry["cluster"]["certificate-authority-data"]).decode()
        assert trusted == authority.outputs["certificate"]


def test_the_clusters_output_has_the_observed_state(dev: Graph) -> None:
    clusters = dev.outputs["clusters"]
    assert set(clusters) == {"cluster1", "cluster2"}
    authority = dev.one("cluster1-ca").outputs
    assert clusters["cluster1"] == {
        "endpoint": "https://10.89.1.11:6443",
        "ready": True,
        "kubernetesVersion": "v1.36.3",
        "labels": {"environment": "dev", "region": "tokyo"},
        "nodes": dev.one("cluster1-health").outputs["observed"]["nodes"],
        "caFingerprint": authority["fingerprint"],
        "caExpires": authority["expires"],
    }


def test_a_cluster_without_a_dead_worker_is_checked_and_not_ready() -> None:
    dead = "cluster1-worker-0"
    entry = {"reason": "no route", "since": "2026-11-26T01:00:00+00:00", "pending": "upgraded"}
    given = {"unavailable": {dead: entry}, "found": {}, "rolled": "", "drift": {}, "waiting": {}}
    graph = run(stack_config("dev"), given={"Rollout": given})
    assert graph.one("cluster1-health").inputs["nodes"] == ["cluster1-control-plane-0"]
    summary = graph.outputs["clusters"]["cluster1"]
    assert summary["ready"] is False
    assert summary["unavailable"] == {
        dead: "unavailable since 2026-11-26 01:00 UTC (no route); pending: upgraded"
    }


def test_the_clusters_output_has_the_certificate_that_expires_first() -> None:
    machine = {
        "reachable": True,
        "certificate": "apiserver",
        "expires": "2027-11-26T10:00:00+00:00",
    }
    first = {**machine, "certificate": "kubelet.conf", "expires": "2027-03-01T10:00:00+00:00"}
    found = {
        "cluster1-control-plane-0": machine,
        "cluster1-worker-0": first,
        "gone": {"reachable": False},
    }
    given = {"unavailable": {}, "found": found, "rolled": "", "drift": {}, "waiting": {}}
    graph = run(stack_config("dev"), given={"Rollout": given})
    assert graph.outputs["clusters"]["cluster1"]["certificates"] == {
        "expires": "2027-03-01T10:00:00+00:00",
        "certificate": "kubelet.conf",
        "node": "cluster1-worker-0",
    }


def test_a_cluster_without_metrics_server_serves_no_certificates() -> None:
    config = changed(stack_config("dev"), ("clusters/cluster2/metricsServer", False))
    graph = run(config)
    assert [*graph.outputs["certificates"]["cluster1"]] == ["metrics-server"]
    assert graph.outputs["certificates"]["cluster2"] == {}


def test_the_inventory_has_a_login_for_each_machine(dev: Graph) -> None:
    assert "inventory" in dev.secret_outputs
    inventory = dev.outputs["inventory"]
    assert set(inventory) == {"cluster1", "cluster2"}
    assert set(inventory["cluster1"]) == {"cluster1-control-plane-0", "cluster1-worker-0"}
    assert inventory["cluster1"]["cluster1-worker-0"] == {
        "address": "10.89.1.101",
        "role": "worker",
        "pool": "worker",
        "driver": "container",
        "login": {
            "host": "10.89.1.101",
            "port": 22,
            "user": "root",
            "sudo": False,
            "host_key": dev.one("cluster1-worker-0").outputs["host_key"],
            "private_key": dev.one("fleet-ssh").outputs["private_key"],
        },
    }


def test_the_inventory_can_be_read_for_every_driver(graph: Graph) -> None:
    inventory = Inventory(graph.outputs["inventory"])
    machines = [each.name for each in graph.kinds("machine:Machine")]
    assert sorted(each.name for each in inventory.machines) == sorted(machines)
    assert all(each.login.host_key and each.login.private_key for each in inventory.machines)


def test_a_cluster_registers_its_exceptions() -> None:
    config = changed(
        stack_config("dev"),
        ("clusters/cluster2/security", {"secretsEncryption": {"provider": "none"}}),
        *((f"clusters/cluster{n}/networking/networkPolicy", "calico") for n in (1, 2)),
    )
    graph = run(config)
    assert graph.registered["cluster1"]["exceptions"] == []
    assert graph.registered["cluster2"]["exceptions"] == [
        "security.secretsEncryption.provider is none: Secrets can be read in etcd and in snapshots"
    ]
