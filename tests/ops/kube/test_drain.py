"""Draining a Node: which pods stay, which evictions are retried, and what is reported."""

from collections.abc import Iterator
from typing import Any

import pytest

from model.selectors import matches
from ops.errors import OperatorError
from ops.kube import client, drain, retirement
from ops.kube.nodes import Nodes
from tests.ops.kube.api_server import Answer, Api
from tests.ops.kube.pod_fixture import (
    BUDGETS_PATH,
    EVERYTHING,
    NODE,
    NODE_PATH,
    OTHER,
    PODS_PATH,
    PodFixture,
    found,
    pod,
    tainted,
)


def budget(name: str, **selector: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": selector},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1},
    }


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)


def emptied(api: Api, *, force: bool = False, seconds: float = 0) -> str:
    return retirement.drain(
        Nodes(client.of(api.kubeconfig)), NODE, deadline_seconds=seconds, force=force
    )


def retire(api: Api, seconds: float, *, is_dead: bool = False) -> str:
    return retirement.retire(
        Nodes(client.of(api.kubeconfig)),
        NODE,
        deadline_seconds=seconds,
        force=False,
        is_dead=is_dead,
    )


def evicted(api: Api) -> list[str]:
    """The pods whose eviction was asked for."""
    return [each.split("/")[-2] for each in api.asked if each.endswith("/eviction")]


def test_pods_are_evicted_after_the_node_is_cordoned(api: Api) -> None:
    pods = PodFixture(api, "web", "db")
    retire(api, seconds=5)
    assert pods.left == {}
    assert api.asked[:2] == [f"GET {NODE_PATH}", f"PATCH {NODE_PATH}"]


def test_a_drain_alone_does_not_cordon(api: Api) -> None:
    """A rollout records its cordons; one without a record would have no owner."""
    pods = PodFixture(api, "web", "db")
    assert emptied(api, seconds=5) == ""
    assert pods.left == {}
    assert not [each for each in api.asked if each.startswith("PATCH")]


def test_pods_rescheduled_to_the_cordoned_node_are_not_evicted_again(api: Api) -> None:
    pods = PodFixture(api, "web")
    pods.add("agent", tolerations=EVERYTHING)
    emptied(api, seconds=5)
    assert list(pods.left) == ["agent+"]


def test_pods_scheduled_before_the_cordon_was_seen_are_evicted(api: Api) -> None:
    """The scheduler's view of Nodes may be older than the eviction of the first pod."""
    pods = PodFixture(api, "web", "db", held={"db": 2})
    pods.successors["web"] = "web-2"
    emptied(api, seconds=5)
    assert pods.left == {}
    assert evicted(api).count("web-2") == 1


def test_a_pod_that_appears_much_later_is_not_covered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was assigned to the Node by name, as its successors will be."""
    monkeypatch.setattr(drain, "LATE_SECONDS", 0)
    pods = PodFixture(api, "web", "db", held={"db": 2})
    pods.successors["web"] = "web-2"
    emptied(api, seconds=5)
    assert list(pods.left) == ["web-2"]


def test_pods_without_another_node_stay_regardless_of_budgets(api: Api) -> None:
    pods = PodFixture(api, "web", "db", held={"web": -1})
    pods.nodes = [found("True"), tainted()]
    pods.add("train", tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert (
        emptied(api, seconds=5) == f"shop/web, shop/db ({OTHER} has the taint gpu=yes:NoSchedule)"
    )
    assert list(pods.left) == ["web", "db"]
    assert evicted(api) == ["train"]


def test_pods_of_the_only_node_stay(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1})
    pods.nodes = [found("True")]
    pods.left["done"] = pod("done") | {"status": {"phase": "Succeeded"}}
    assert emptied(api) == "shop/web (there is no other Node)"
    assert list(pods.left) == ["web", "done"]


def test_force_deletes_no_pod_that_may_stay(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1})
    pods.nodes = [found("True")]
    emptied(api, force=True)
    assert list(pods.left) == ["web"]


def test_a_terminating_pod_is_waited_for(api: Api) -> None:
    pods = PodFixture(api)
    pods.nodes = [found("True")]
    pods.left["slow"] = pod("slow", deletionTimestamp="2026-01-01T00:00:00Z")
    with pytest.raises(OperatorError, match=r"shop/slow \(terminating\)"):
        emptied(api)


def test_pods_without_another_node_are_deleted_with_a_leaving_node(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1, "train": 1})
    pods.nodes = [found("True"), tainted()]
    pods.add("train", tolerations=[{"key": "gpu", "operator": "Exists"}])
    assert retire(api, seconds=5) == f"shop/web ({OTHER} has the taint gpu=yes:NoSchedule)"
    assert pods.left == {}
    changes = [each for each in api.asked if each.startswith(("POST", "DELETE"))]
    path = "/api/v1/namespaces/shop/pods"
    assert changes == [*[f"POST {path}/train/eviction"] * 2, f"DELETE {path}/web"]
    assert api.sent[f"DELETE {path}/web"] == {"preconditions": {"uid": "web"}}


def test_nothing_is_deleted_while_evictions_are_blocked(api: Api) -> None:
    pods = PodFixture(api, "web", held={"train": -1})
    pods.nodes = [found("True"), tainted()]
    pods.add("train", tolerations=[{"key": "gpu", "operator": "Exists"}])
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
    with pytest.raises(OperatorError, match="shop/train"):
        retire(api, seconds=0)
    assert list(pods.left) == ["web", "train"]


def test_budgets_count_while_another_node_may_be_ready_again(api: Api) -> None:
    pods = PodFixture(api, "web", held={"web": -1})
    pods.nodes = [found("True"), found("Unknown", OTHER)]
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
    with pytest.raises(OperatorError, match="it would break the budget"):
        retire(api, seconds=0)
    assert list(pods.left) == ["web"]


def test_a_terminating_namespace_deletes_its_own_pods(api: Api) -> None:
    pods = PodFixture(api, "web", "db")
    causes = [{"reason": "NamespaceTerminating", "message": "", "field": "metadata.namespace"}]
    status = {"message": "it is being terminated", "details": {"causes": causes}}

    def refuse() -> Answer:
        if len(evicted(api)) > 2:
            pods.left.pop("web")
        return 403, status

    api.answers["POST /api/v1/namespaces/shop/pods/web/eviction"] = refuse
    emptied(api, seconds=5)
    assert pods.left == {}


def test_a_forbidden_eviction_is_reported(api: Api) -> None:
    PodFixture(api, "web")
    forbidden = (403, {"message": "no right to evict", "details": {}})
    api.answers["POST /api/v1/namespaces/shop/pods/web/eviction"] = forbidden
    with pytest.raises(OperatorError, match="no right to evict"):
        emptied(api)


def test_daemon_set_and_static_pods_stay(api: Api) -> None:
    pods = PodFixture(api)
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "proxy", "uid": "1"}
    pods.left["proxy"] = pod("proxy", ownerReferences=[owner])
    pods.left["etcd"] = pod("etcd", annotations={"kubernetes.io/config.mirror": "1"})
    emptied(api)
    assert not [asked for asked in api.asked if "eviction" in asked]


def test_a_blocked_eviction_is_retried_until_the_budget_allows_it(
    api: Api,
) -> None:
    pods = PodFixture(api, "web", "db", held={"web": 2})
    emptied(api, seconds=10)
    assert pods.left == {}
    assert len([asked for asked in api.asked if asked.endswith("web/eviction")]) == 3
    assert len([asked for asked in api.asked if asked.endswith("db/eviction")]) == 1


def test_blocking_budgets_are_named_at_the_deadline(api: Api) -> None:
    pods = PodFixture(api, "web", "db", held={"web": -1})
    pods.left["slow"] = pod("slow", deletionTimestamp="2026-01-01T00:00:00Z")
    budgets = [
        budget("web-pdb", matchLabels={"app": "web"}),
        budget("other", matchLabels={"app": "db"}),
    ]
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": budgets})
    with pytest.raises(OperatorError) as raised:
        emptied(api)
    said = str(raised.value)
    assert f"draining Node {NODE}" in said
    assert "shop/web (not evicted: it would break the budget)" in said
    assert "shop/slow (terminating)" in said
    assert "shop/web-pdb allows 0 disruptions (healthy pods: 1, required: 1)" in said
    assert "shop/other" not in said


def test_force_deletes_remaining_pods_after_the_deadline(api: Api) -> None:
    pods = PodFixture(api, "web", "db", held={"web": -1})
    emptied(api, force=True)
    assert pods.left == {}
    deleted = [asked for asked in api.asked if asked.startswith("DELETE")]
    assert deleted == ["DELETE /api/v1/namespaces/shop/pods/web"]
    options = {"gracePeriodSeconds": 10, "preconditions": {"uid": "web"}}
    assert api.sent[deleted[0]] == options


def test_an_unavailable_api_is_waited_for(api: Api) -> None:
    PodFixture(api)
    answers: Iterator[Answer] = iter([(503, {"message": "no etcd"}), (200, {"items": []})])
    api.answers[f"GET {PODS_PATH}"] = lambda: next(answers)
    emptied(api, seconds=10)


def test_an_api_that_stays_unavailable_is_reported(api: Api) -> None:
    PodFixture(api)
    api.answers[f"GET {PODS_PATH}"] = (503, {"message": "no etcd"})
    with pytest.raises(OperatorError, match=r"the API was still unavailable.*no etcd"):
        emptied(api)


@pytest.mark.parametrize(
    ("selector", "matching"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
    ],
)
def test_label_selector(selector: dict[str, Any], matching: bool) -> None:
    assert matches(selector, {"app": "web"}) is matching
