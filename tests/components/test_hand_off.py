"""Registrations in the graph: what they wait for, and what ends with what."""

from typing import Any

from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run
from tests.model.examples import changed

ARGOCD = {"argocd": {"cluster": "cluster1", "role": "cluster-admin"}}


def handed_off(hand_off: Any = ARGOCD, before: Graph | None = None) -> Graph:
    return run({**stack_config("dev"), "handOff": hand_off}, before)


def test_each_cluster_is_registered_after_its_rollout_where_the_tool_runs() -> None:
    graph = handed_off()
    tool = graph.one("cluster1-ca").urn
    for cluster in ("cluster1", "cluster2"):
        found = graph.one(f"{cluster}-argocd")
        account = graph.one(f"{cluster}-argocd-account")
        assert {graph.one(f"{cluster}-rollout").urn, account.urn} <= found.dependencies
        assert found.inputs["target"]["cluster"] == "cluster1"
        assert found.inputs["identity"]["cluster"] == cluster
        assert "BEGIN CERTIFICATE" in found.inputs["registered"]["authority"]
        # The Secret goes with the tool's cluster, the account with its own.
        assert found.deleted_with == tool
        assert account.deleted_with == graph.one(f"{cluster}-ca").urn


def test_a_registered_cluster_waits_for_nothing_of_another_one() -> None:
    graph = handed_off()
    for resource in graph.customs:
        if resource.name.startswith("cluster2-") and resource.name != "cluster2-argocd":
            others = [urn for urn in resource.dependencies if "::cluster1-" in urn]
            assert others == [], resource.name


def test_the_output_says_where_each_secret_is_and_how_long_its_token_lasts() -> None:
    graph = handed_off()
    assert graph.outputs["registrations"]["cluster2"] == {
        "argocd": {
            "secret": "cluster1/argocd/cluster-cluster2",
            "issued": "2026-11-27T00:00:00+00:00",
            "expires": "2099-11-27T00:00:00Z",
        }
    }
    assert "registrations" not in graph.secret_outputs


def test_a_stack_without_tools_has_nothing_for_them() -> None:
    graph = run(stack_config("dev"))
    assert not graph.kinds("HandOff")
    assert "registrations" not in graph.outputs


def test_another_role_or_label_changes_nothing_else() -> None:
    before = handed_off()
    role = handed_off({"argocd": {**ARGOCD["argocd"], "role": "view"}}, before)
    assert set(role.changed_from(before)) == {"cluster1-argocd-account", "cluster2-argocd-account"}
    labels = ("clusters/cluster2/labels", {"region": "nagoya"})
    label = run(changed({**stack_config("dev"), "handOff": ARGOCD}, labels), before)
    assert set(label.changed_from(before)) == {"cluster2-argocd"}
