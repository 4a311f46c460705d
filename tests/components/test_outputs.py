"""What the stack exports."""

import base64

import yaml

from tests.components.graph import Graph


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


def test_clusters_say_what_was_observed(dev: Graph) -> None:
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
