"""How a Node is emptied: what stays, what is asked for again, what is named in the end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from components.resources import drain, node
from components.resources.provider import OperatorError
from components.resources.selectors import matches
from tests.resources.api_server import Answer, Api
from tests.resources.shop import (
    BUDGETS_PATH,
    NODE,
    NODE_PATH,
    PING_PATH,
    PODS_PATH,
    Shop,
    found,
    pod,
)


def budget(name: str, **selector: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": selector},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1},
    }


def emptied(api: Api, *, force: bool = False, seconds: float = 0) -> None:
    node.drain(api.kubeconfig, NODE, deadline_seconds=seconds, force=force)


def retire(api: Api, seconds: float) -> None:
    node.retire(api.kubeconfig, NODE, deadline_seconds=seconds, force=False, silence_seconds=0)


def test_pods_are_evicted_once_the_node_takes_no_more(api: Api) -> None:
    shop = Shop(api, "web", "db")
    emptied(api, seconds=5)
    assert shop.left == {}
    assert api.asked[0] == f"PATCH {NODE_PATH}"


def test_daemons_and_static_pods_stay(api: Api) -> None:
    shop = Shop(api)
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "proxy", "uid": "1"}
    shop.left["proxy"] = pod("proxy", ownerReferences=[owner])
    shop.left["etcd"] = pod("etcd", annotations={"kubernetes.io/config.mirror": "1"})
    emptied(api)
    assert not [asked for asked in api.asked if "eviction" in asked]


def test_pod_that_a_budget_holds_is_asked_for_until_the_budget_gives_it_free(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)
    shop = Shop(api, "web", "db", held={"web": 2})
    emptied(api, seconds=10)
    assert shop.left == {}
    assert len([asked for asked in api.asked if asked.endswith("web/eviction")]) == 3
    assert len([asked for asked in api.asked if asked.endswith("db/eviction")]) == 1


def test_what_blocks_is_named_when_time_is_up(api: Api) -> None:
    shop = Shop(api, "web", "db", held={"web": -1})
    shop.left["slow"] = pod("slow", deletionTimestamp="2026-01-01T00:00:00Z")
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
    assert "shop/slow (is ending)" in said
    assert "shop/web-pdb allows 0 disruptions (1 pods are healthy, 1 must be)" in said
    assert "shop/other" not in said


def test_force_deletes_what_is_left_after_the_deadline(api: Api) -> None:
    shop = Shop(api, "web", "db", held={"web": -1})
    emptied(api, force=True)
    assert shop.left == {}
    deleted = [asked for asked in api.asked if asked.startswith("DELETE")]
    assert deleted == ["DELETE /api/v1/namespaces/shop/pods/web"]


def test_api_that_is_away_is_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "POLL_SECONDS", 0.01)
    Shop(api)
    answers: Iterator[Answer] = iter([(503, {"message": "no etcd"}), (200, {"items": []})])
    api.answers[f"GET {PODS_PATH}"] = lambda: next(answers)
    emptied(api, seconds=10)


def test_api_that_stays_away_is_told(api: Api) -> None:
    Shop(api)
    api.answers[f"GET {PODS_PATH}"] = (503, {"message": "no etcd"})
    with pytest.raises(OperatorError, match=r"the API does not answer.*no etcd"):
        emptied(api)


@pytest.mark.parametrize("ready", ["Unknown", "False"])
def test_pods_of_a_node_that_is_not_ready_are_asked_to_go_and_not_waited_for(
    api: Api, ready: str
) -> None:
    shop = Shop(api, "web", "db", held={"web": -1})
    api.answers[f"GET {NODE_PATH}"] = (200, found(ready))
    retire(api, seconds=60)
    assert list(shop.left) == ["web"]


def test_pods_of_a_silent_kubelet_are_not_waited_for(api: Api) -> None:
    shop = Shop(api, "web", held={"web": -1})
    api.answers[f"GET {PING_PATH}"] = (503, {"message": "dial tcp: no route to host"})
    retire(api, seconds=60)
    assert list(shop.left) == ["web"]


def test_pods_of_a_kubelet_that_answers_are_waited_for(api: Api) -> None:
    Shop(api, "web", held={"web": -1})
    api.answers[f"GET {BUDGETS_PATH}"] = (200, {"items": []})
    with pytest.raises(OperatorError, match="shop/web"):
        retire(api, seconds=1)


def test_node_takes_pods_again(api: Api) -> None:
    Shop(api)
    node.uncordon(api.kubeconfig, NODE)
    assert api.asked == [f"PATCH {NODE_PATH}"]


@pytest.mark.parametrize("change", [node.cordon, node.uncordon])
def test_node_that_is_missing_is_named(api: Api, change: Callable[[str, str], None]) -> None:
    with pytest.raises(OperatorError, match=f"knows no Node {NODE}"):
        change(api.kubeconfig, NODE)


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
